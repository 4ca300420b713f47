"""Which certificate an appliance shows, so that a person can compare and pin it."""

from __future__ import annotations

import asyncio
import hashlib

from exporter.config import Appliance
from exporter.sources.http import tls


async def shown_fingerprint(appliance: Appliance, timeout: float) -> str | None:  # noqa: ASYNC109 - of the handshake
    """Return the SHA-256 of the certificate of the web interface; None without a handshake. Nothing else is sent."""
    unchecked = appliance.xml.tls.model_copy(update={"verify": False, "ca_file": None, "fingerprint_sha256": None})
    try:
        context = await asyncio.to_thread(tls.context, unchecked)
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(appliance.address, appliance.xml.port, ssl=context)
    except (OSError, TimeoutError):
        return None
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()  # the appliance may never end the connection by itself
    return hashlib.sha256(certificate).hexdigest()
