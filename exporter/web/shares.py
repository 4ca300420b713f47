"""How much a client may use at the same time, so that no number of its requests keeps another client out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.errors import BusyError


class Shares:
    """Something of which there are `most`. A client may use half of what the others leave, so some is always left."""

    def __init__(self, most: Callable[[], float]) -> None:
        self._most = most
        self._used: Counter[str] = Counter()

    def __bool__(self) -> bool:
        """Whether any of it is used."""
        return bool(self._used)

    @contextmanager
    def use(self, client: str, refusal: str) -> Iterator[None]:
        """Use one of it. Raises BusyError with the sentence `refusal` if the client has its share already."""
        used = self._used[client]
        others = self._used.total() - used
        if used >= (self._most() - others) / 2:
            raise BusyError(refusal)
        self._used[client] += 1
        try:
            yield
        finally:
            self._used[client] -= 1
            if not self._used[client]:
                del self._used[client]
