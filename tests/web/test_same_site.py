"""A page of another web site can neither reload the exporter nor read its pages; everything else works as before."""

from __future__ import annotations

import pytest

from support.running_server import RunningServer, StartServer

EXTERNAL = "https://monitoring.example.edu/ironport"


async def reload(running: RunningServer, path: str = "/-/reload", **headers: str) -> tuple[int, str]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with running.client.post(path, headers=sent) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://exporter.example.edu"},
    ],
)
async def test_another_site_cannot_reload(running: RunningServer, headers: dict[str, str]) -> None:
    status, text = await reload(running, **headers)
    assert (status, text) == (403, "A page of another web site has sent this request. Send it with curl or the like.\n")


async def test_a_page_of_the_exporter_can_reload(running: RunningServer) -> None:
    own = f"http://127.0.0.1:{running.port}"
    assert (await reload(running, Origin=own, Sec_Fetch_Site="same-origin"))[0] == 200
    assert (await reload(running, Sec_Fetch_Site="none"))[0] == 200


async def test_the_external_url_is_an_own_origin(start: StartServer) -> None:
    running = await start(EXTERNAL)
    assert (await reload(running, "/ironport/-/reload", Origin="https://monitoring.example.edu"))[0] == 200
    assert (await reload(running, "/ironport/-/reload", Origin="http://monitoring.example.edu"))[0] == 403


@pytest.mark.parametrize("path", ["/ironport/", "/ironport/config", "/ironport/-/reload"])
@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("monitoring.example.edu", True),
        ("MONITORING.example.edu:443", True),
        ("192.0.2.7:10125", True),
        ("[2001:db8::7]:10125", True),
        ("localhost:10125", True),
        ("upstream", True),
        ("rebound.example:10125", False),
        ("rebound.example.", False),
        ("monitoring.example.edu.rebound.example", False),
    ],
)
async def test_pages_for_people_need_the_external_host(
    start: StartServer, path: str, host: str, accepted: bool
) -> None:
    running = await start(EXTERNAL)
    method = "POST" if path.endswith("reload") else "GET"
    async with running.client.request(method, path, headers={"Host": host}) as answer:
        text = await answer.text()
        assert answer.status == (200 if accepted else 403)
        assert accepted or "Use that URL, or an IP address." in text


@pytest.mark.parametrize("path", ["/sd", "/metrics", "/probe?target=mx1", "/-/healthy", "/-/ready"])
async def test_machines_may_use_any_name(start: StartServer, path: str) -> None:
    running = await start(EXTERNAL)
    assert (await running.get(f"/ironport{path}", Host="exporter.monitoring.svc:10125"))[0] == 200


async def test_without_an_external_url_every_host_is_accepted(running: RunningServer) -> None:
    assert (await running.get("/config", Host="anything.example.edu"))[0] == 200
