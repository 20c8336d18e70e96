"""What the page does to a bridge that runs: its configuration changed, its ports told, its state collected."""

import io
import json
import zipfile
from typing import Any

from tests.e2e.page_stream import stream
from tests.e2e.servers import until
from tests.e2e.service_kit import Configured, logged
from tests.e2e.world import World, udp
from tests.web import get, post

IMEI = "866207020123456"


async def running(world: World, *arguments: str, **root: object) -> tuple[Configured, Any]:
    """Start a bridge with a page, and return it with its modem's user."""
    emulator, server = await world.emulator(*arguments), await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)}, **root)
    service.tree["http"]["page"] = True
    return service, await service.start()


async def test_a_socket_is_added_from_the_page(world: World) -> None:
    """It is open and carries messages, while the modem stays attached; what needs a restart is told, and logged."""
    service, shed = await running(world)
    second = await world.udp()
    port = service.http_port
    document = (await get(port, "/api/configuration")).document()
    assert (document["path"], document["writable"]) == (str(service.file), True)
    tree = json.loads(document["text"])
    tree["modems"]["shed"]["sockets"]["more"] = udp(second.port)
    tree["modems"]["shed"]["apn"] = "other.example"
    text = json.dumps(tree)
    found = (await post(port, "/api/configuration/check", {"text": text})).document()
    assert found == {"mistakes": [], "restart": ["modems.shed.apn"], "reload": ["modems.shed.sockets"]}
    attached = (await shed.online())["link"]["since"]
    answer = await post(port, "/api/configuration/apply", {"text": text, "version": document["version"]})
    assert (answer.status, answer.document()["restart"]) == (200, ["modems.shed.apn"])
    await shed.open("more")
    await shed.send("more", b"new", "m1")
    await shed.receipt("more", "m1", "accepted")
    await second.has(b"new")
    assert (await shed.online())["link"]["since"] == attached
    await logged(service.bridge, "modems.shed.apn was changed, and needs a restart to come into force")
    found = (await post(port, "/api/configuration/check", {"text": text})).document()
    assert (found["restart"], found["reload"]) == (["modems.shed.apn"], [])
    async with stream(port) as seen:  # whoever comes later is told, too
        await until(lambda: seen.of("restart_needed") == [{"keys": ["modems.shed.apn"]}])
        version = (await get(port, "/api/configuration")).document()["version"]
        answer = await post(port, "/api/configuration/apply", {"text": document["text"], "version": version})
        await until(lambda: seen.of("restart_needed")[1:] == [{"keys": []}])


async def test_a_mistake_changes_nothing(world: World) -> None:
    """It is told with its key, the file is as it was, and the bridge goes on."""
    service, shed = await running(world)
    before = service.file.read_text()
    version = (await get(service.http_port, "/api/configuration")).document()["version"]
    text = before.replace('"udp"', '"sctp"')
    answer = await post(service.http_port, "/api/configuration/apply", {"text": text, "version": version})
    assert answer.status == 422
    assert [mistake["key"] for mistake in answer.document()["mistakes"]] == ["modems.shed.sockets.telemetry.protocol"]
    assert service.file.read_text() == before
    await shed.send("telemetry", b"still", "m1")
    await shed.receipt("telemetry", "m1", "accepted")


async def test_the_modem_s_port_is_left_alone(world: World) -> None:
    """Neither asked nor probed: its dialogue with the bridge goes on undisturbed."""
    service, _ = await running(world)
    place = service.tree["modems"]["shed"]["port"]
    for path in ("/api/ports/ask", "/api/probe"):
        answer = await post(service.http_port, path, {"port": place})
        assert (answer.status, answer.code) == (409, "in_use")
        assert answer.document()["message"] == f"the modem shed of this bridge has {place}"


async def test_diagnostics_of_a_bridge_that_runs(world: World) -> None:
    """Documents, log and dialogue are in it, and neither its password nor who its module is."""
    service, shed = await running(world, "--set", f"imei={IMEI}")
    service.tree["mqtt"] |= {"username": "u", "password": "geheim-77"}
    service.write()
    await shed.send("telemetry", b"payload-of-mine", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    answer = await get(service.http_port, "/api/diagnostics")
    assert answer.status == 200
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        found = {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(found["modems/shed/state.json"])["link"]["layer"] == "online"
    assert json.loads(found["modems/shed/info.json"])["modem"]["imei"] == "*" * 15
    assert json.loads(found["modems/shed/socket/telemetry/state.json"])["phase"] == "open"
    assert json.loads(found["check.json"])["restart"] == ["mqtt.username", "mqtt.password"]
    assert "> AT+CSOSEND=" in found["modems/shed/dialogue.at"]
    assert "[shed]" in found["log.txt"]
    everything = "\n".join(found.values())
    for secret in (IMEI, "geheim-77", "payload-of-mine", b"payload-of-mine".hex().upper()):
        assert secret not in everything
