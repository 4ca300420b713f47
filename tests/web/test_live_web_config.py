"""Certificates and users change while the exporter runs; a broken file changes nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from support.api_server import write_server_certificate
from support.running_server import RunningServer, StartServer
from support.watching import Watch

USERS = "basic_auth_users: {ops: $2b$04$0vju5qF.jbECS/cZ86c.IeSXFIlD9hs6TxLPun0CuVazu5qEauU8O}\n"
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


@pytest.fixture
async def running(start: StartServer, authority: trustme.CA, tmp_path: Path) -> RunningServer:
    """Start a server with TLS."""
    write_server_certificate(authority, tmp_path)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    return await start(web_config=TLS, trust=trust)


@pytest.fixture
async def watch(running: RunningServer) -> AsyncIterator[Watch]:
    watch = Watch(running.web_config.watch)
    yield watch
    await watch.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.yml"


def certificate(running: RunningServer) -> str:
    """Return the certificate that a new connection gets."""
    return ssl.get_server_certificate(("127.0.0.1", running.port))


async def status(running: RunningServer) -> int:
    return (await running.get("/-/ready"))[0]


def reload_successful(running: RunningServer) -> float | None:
    return running.telemetry.registry.get_sample_value("ironport_exporter_web_config_last_reload_successful")


async def test_a_renewed_certificate_is_used(
    running: RunningServer, watch: Watch, authority: trustme.CA, tmp_path: Path
) -> None:
    assert await asyncio.to_thread(certificate, running) == (tmp_path / "server.pem").read_text()
    write_server_certificate(authority, tmp_path)
    await watch.look()
    assert await asyncio.to_thread(certificate, running) == (tmp_path / "server.pem").read_text()
    assert await status(running) == 200


async def test_a_mounted_secret_is_swapped_as_a_whole(
    start: StartServer, authority: trustme.CA, tmp_path: Path
) -> None:
    """Kubernetes replaces a symbolic link to the folder with all files."""
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        write_server_certificate(authority, tmp_path / folder)
    (tmp_path / "now").symlink_to("old")
    running = await start(web_config=TLS.replace("server.", "now/server."))
    watch = Watch(running.web_config.watch)
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(tmp_path / "now")
    await watch.look()
    await watch.stop()
    assert await asyncio.to_thread(certificate, running) == (tmp_path / "new/server.pem").read_text()


async def test_users_come_and_go(running: RunningServer, watch: Watch, file: Path) -> None:
    assert await status(running) == 200
    file.write_text(TLS + USERS)
    await watch.look()
    assert await status(running) == 401
    file.write_text(TLS)
    await watch.look()
    assert await status(running) == 200


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("web.yml", f"{TLS}basic_auth_users: [", "the file is not YAML here"),
        ("web.yml", "", "the file is empty"),
        ("web.yml", USERS, "TLS cannot be switched on or off while the exporter runs: restart it."),
        ("server.key", "x", "has a certificate and a key that cannot be used"),
        ("server.pem", None, "names a file that cannot be read"),
    ],
)
async def test_a_broken_file_keeps_what_is_in_force(
    running: RunningServer, watch: Watch, tmp_path: Path, name: str, content: str | None, problem: str
) -> None:
    good = (tmp_path / name).read_text()
    (tmp_path / name).write_text(content) if content is not None else (tmp_path / name).unlink()
    with capture_logs() as log:
        await watch.look()
        await watch.look()
    (entry,) = log
    assert (entry["event"], entry["log_level"]) == ("web configuration not reloaded, the old one stays", "error")
    assert problem in entry["problems"][0]
    assert (await status(running), reload_successful(running)) == (200, 0)
    (tmp_path / name).write_text(good)
    await watch.look()
    assert (await status(running), reload_successful(running)) == (200, 1)


async def test_tls_cannot_be_added_later(start: StartServer, authority: trustme.CA, tmp_path: Path, file: Path) -> None:
    write_server_certificate(authority, tmp_path)
    running = await start(web_config="{}")
    watch = Watch(running.web_config.watch)
    file.write_text(TLS)
    await watch.look()
    await watch.stop()
    assert (await status(running), reload_successful(running)) == (200, 0)


async def test_without_a_file_nothing_has_failed(start: StartServer) -> None:
    assert reload_successful(await start()) == 1
