"""What files in Prometheus' formats set in a TLS context: versions, and a certificate with its key."""

from __future__ import annotations

import os
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from exporter.config.values import bad_value

TlsVersion = Literal["TLS10", "TLS11", "TLS12", "TLS13"]

TLS_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


def load_identity(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a PEM certificate with its chain, and its key."""
    with _file(certificate) as certificate_file, _file(key) as key_file:
        try:
            context.load_cert_chain(certificate_file, key_file, password="")  # never ask on the terminal
        except (ssl.SSLError, ValueError):
            raise bad_value(
                "has a certificate and a key that cannot be used: both must be PEM, belong together, "
                "and the key must not be encrypted"
            ) from None


@contextmanager
def _file(text: str) -> Iterator[str]:
    """Yield the name of a file with the text, as OpenSSL takes no other; on Linux it is in memory, not on a disk."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("pem"), "w") as memory:
            print(text, file=memory, flush=True)
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            print(text, file=file, flush=True)
            yield file.name
