"""The layout and style of the HTML pages, without a script and without another file."""

from __future__ import annotations

from html import escape
from typing import Final

PAGE_STYLE: Final = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2733; --soft: #5b6875; --line: #dde3e8; --band: #f3f6f8;
  --link: #0b5cad; --complete: #14663a; --partial: #8a5300; --failed: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #14191f; --text: #e3e8ec; --soft: #9aa7b3; --line: #2d3741;
  --band: #1d242c; --link: #7db7f5; --complete: #74d49d; --partial: #f0b95c; --failed: #ff9389; } }
body { margin: 0 auto; max-width: 80rem; padding: 1.5rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
h1 small, p { color: var(--soft); } h1 small { font-size: .9rem; font-weight: normal; }
a { color: var(--link); white-space: nowrap; } nav a { margin-right: 1rem; }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td, th { white-space: nowrap; }
tr.errors td { padding-top: 0; white-space: normal; overflow-wrap: anywhere; color: var(--soft); font-size: .85rem; }
tr.failing td { border-bottom: 0; }
tbody th { padding: .75rem .5rem .3rem; background: var(--band); font-weight: 600; }
tbody td:first-child, thead th:first-child { padding-left: .5rem; }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--band); border: 1px solid var(--line); }
.complete { color: var(--complete); } .partial { color: var(--partial); } .failed { color: var(--failed); }
.partial, .failed { font-weight: 600; }
"""


def html_page(title: str, body: str, style: str = "") -> str:
    """Return a page; `body` is HTML, and `style` is CSS that only this page needs."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{PAGE_STYLE}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
