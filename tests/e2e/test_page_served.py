"""The page of a real bridge: started, logged in to, encrypted, and ended."""

import asyncio
import json
import ssl

from tests.certificates import certificate
from tests.command_line import typed
from tests.e2e.service_kit import Configured, logged, shell
from tests.e2e.world import World
from tests.web import get, parsed, post, request


async def test_a_bridge_with_a_page(world: World) -> None:
    """It is served beside health and metrics, a password is taken while the bridge runs, and the end is not held up."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    service.tree["http"]["page"] = True
    await service.start()
    port = service.http_port
    assert (await get(port, "/")).fields["content-type"] == "text/html; charset=utf-8"
    session = (await get(port, "/api/session")).document()
    assert (session["role"], session["modems"], session["base_topic"]) == ("full", ["shed"], "sim7020")
    assert (await service.get("/health"))[0] == 200
    assert (await service.get("/metrics"))[0] == 200
    assert (await shell("health", "--config", service.file))[:2] == (0, "shed: healthy, online\n")

    assert typed("password", "--config", str(service.file), piped="correct horse\n")[0] == 0
    assert (await get(port, "/api/session")).status == 401
    cookie = (await post(port, "/api/login", {"password": "correct horse"})).cookie
    assert (await get(port, "/api/session", Cookie=cookie)).document()["password"] is True
    # the log says nothing of it
    assert "correct horse" not in service.bridge.log


async def test_a_bridge_with_a_certificate(world: World) -> None:
    """Nothing is served in the clear; one that is of no use is named in the log, and health asks by TLS."""
    emulator = await world.emulator()
    chain, key = certificate(world.directory, "localhost")
    service = Configured(world, emulator.place, {})
    service.tree["http"] |= {"page": True, "tls": {"cert_file": str(chain), "key_file": str(key)}}
    await service.start()
    context = ssl.create_default_context(cafile=chain)
    place = ("127.0.0.1", service.http_port)
    reader, writer = await asyncio.open_connection(*place, ssl=context, server_hostname="localhost")
    writer.write(request("GET", "/health"))
    assert json.loads(parsed(await reader.read()).body)["healthy"] is True
    writer.close()
    await writer.wait_closed()
    assert (await get(service.http_port, "/health")).status == 0
    assert (await shell("health", "--config", service.file))[:2] == (0, "shed: healthy, online\n")


async def test_a_bridge_with_a_certificate_of_no_use(world: World) -> None:
    """The modem is looked after all the same, and the log says which file is wrong."""
    emulator = await world.emulator()
    chain, _ = certificate(world.directory, "localhost")
    _, other = certificate(world.directory, "other")
    service = Configured(world, emulator.place, {})
    service.tree["http"] |= {"page": True, "tls": {"cert_file": str(chain), "key_file": str(other)}}
    await service.start()
    await logged(service.bridge, f"the key in {other} is not that of the certificate in {chain}")


async def test_a_page_that_is_closed(world: World) -> None:
    """Open to the network and without a password, the page is closed and the log says how to open it."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    service.tree["http"] |= {"page": True, "host": "0.0.0.0"}  # noqa: S104 - for a moment
    await service.start()
    await logged(service.bridge, "the page is closed")
    assert (await get(service.http_port, "/api/session")).code == "no_password"
    assert (await service.get("/health"))[0] == 200
