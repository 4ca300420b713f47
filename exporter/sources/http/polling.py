"""Polling several pages one after the other, and what to say if they do not come in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from exporter.errors import HttpStatusError, MalformedError, SourceError, SourceTimeout, TooLargeError
from exporter.metrics.reading import Reading

_PAGE_ERRORS: Final = (HttpStatusError, MalformedError, TooLargeError)
"""Errors after which other pages may still be right."""


async def poll_pages(
    folder: str, pages: Iterable[str], poll_page: Callable[[str, Reading], Awaitable[None]], reading: Reading
) -> None:
    """Fill `reading` page by page, and record in it what fails.

    No further page is requested if, for the first page, the appliance cannot be reached or refuses the user.
    """
    for page in pages:
        try:
            await poll_page(page, reading)
        except SourceError as error:
            reading.errors.append(error.within(f"{folder}{page}"))
            if not (reading.up or isinstance(error, _PAGE_ERRORS)):
                return


def not_in_time(server: str, wanted: str, reading: Reading) -> SourceTimeout:
    """Return the error for a poll that has not ended; `wanted` is what makes the source usable."""
    if reading.up:
        return SourceTimeout(f"The pages of {server} came only in part in time: check the appliance's load.")
    if not reading.requests:
        return SourceTimeout(f"No request for {server} was sent in time: check the load of the exporter's machine.")
    return SourceTimeout(f"No {wanted} from {server} in time: check the route, the firewall and the appliance's load.")
