"""Web pages that an appliance sends instead of data: its login page, with status 200."""

from __future__ import annotations

import re
from typing import Final

from exporter.errors import AuthError

_HTML: Final = re.compile(rb"<(!doctype\s+)?html\b", re.IGNORECASE)
_HTML_WITHIN: Final = 1024
"""How many bytes to search for an <html> tag, because an XML declaration and comments may precede it."""


def refuse_web_page(body: bytes, wanted: str, pages: str) -> None:
    """Raise AuthError if the body is a web page; `wanted` and `pages` say what was asked for instead."""
    if _HTML.search(body, 0, _HTML_WITHIN):
        raise AuthError(
            f"the appliance answered with a web page, probably its login page, instead of {wanted}: "
            f"check the user and its role, and that the {pages} are enabled on this interface"
        )
