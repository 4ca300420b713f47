"""Links and code blocks of Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path


def code_lines(page: Path, language: str) -> Iterator[str]:
    """Yield the lines of the code blocks in a language, without their indentation; lines that are continued are one."""
    for block in code_blocks(page, language):
        yield from (line.strip() for line in block.replace("\\\n", " ").strip().splitlines())


def code_blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks in a language."""
    return re.findall(rf"```{language}(?: [^\n]*)?\n(.*?)```", page.read_text(), re.DOTALL)


def links(page: Path) -> list[str]:
    """Return the links to other pages and to headings, not those to the web."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if "://" not in link]


def broken_links(page: Path) -> list[str]:
    """Return the links whose file, or heading in it, does not exist."""
    return [link for link in links(page) if not _leads_somewhere(page, link)]


def _leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as the renderers of Markdown make them."""
    headings = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
