"""What the page shows of a real bridge: over HTTP, with emulator, broker and servers."""

import asyncio
import contextlib
import json
import re
from typing import Any

import pytest

from sim7020_bridge.kit.decode.decoder import explained
from tests import contract_check
from tests.e2e.here import module_here
from tests.e2e.page_stream import stream
from tests.e2e.programs import BridgeProcess
from tests.e2e.world import BASE, Settings, World, udp
from tests.ports import free_port
from tests.web import PATIENCE, Answer, get, post, until


async def paged(world: World, modems: dict[str, Settings], **mqtt: object) -> int:
    """Start a bridge with a page, and return its port once it is served."""
    port = free_port()
    config = world.directory / "paged.yaml"
    document = {
        "mqtt": {"host": world.broker.host, "port": world.broker.port, **mqtt},
        "modems": modems,
        "state_dir": str(world.directory / "state"),
        "http": {"port": port, "page": True},
    }
    config.write_text(json.dumps(document))
    await world.add(BridgeProcess(config), *modems)
    await served(port)
    return port


async def served(port: int) -> None:
    """Return once the page answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                if (await get(port, "/api/session")).status == 200:
                    return
            await asyncio.sleep(0.05)


async def asked(port: int, verb: str, **body: object) -> Any:
    """Make a request, and hold its response to the contract."""
    answer = await post(port, f"/api/modems/shed/request/{verb}", body)
    assert answer.status == 200
    topic = f"{BASE}/shed/response/{verb}"
    contract_check.check(topic, answer.body, retain=False, base=BASE, modem="shed")
    return answer.document()


async def messages(port: int, count: int) -> list[Any]:
    """Return the messages that are kept, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while True:
            kept = (await get(port, "/api/modems/shed/messages")).document()["messages"]
            if len(kept) >= count:
                return list(kept)
            await asyncio.sleep(0.05)


async def test_a_modem_attaches_before_the_eyes(world: World) -> None:
    """The documents are those on MQTT, byte for byte; the link has the time of each step."""
    server = await world.udp()
    emulator = await world.emulator()
    port = await paged(world, {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}})
    async with stream(port) as seen:
        shed = world.modem("shed")
        await shed.online()
        await shed.open("telemetry")
        topics = [shed.topic(tail) for tail in ("availability", "info", "state", "socket/telemetry/state")]

        def same() -> bool:
            heard = {each.topic: each.payload.decode() for each in world.mqtt.heard if each.topic in topics}
            return all(seen.topics().get(topic) == heard[topic] for topic in topics)

        await until(same)
        link = (await get(port, "/api/modems/shed/link")).document()
        assert all(step["seconds"] is not None for step in link["steps"])
        assert seen.of("link")[-1] == {"modem": "shed", **link}
        assert [data for kind, _, data in seen.events if kind == "mqtt" and data[0] == shed.topic("event")]


async def test_a_message_goes_out_and_another_is_cancelled(world: World) -> None:
    """Each step is told; what waits can be cancelled, and what is kept sent again."""
    server = await world.udp(echo=True)
    link = world.directory / "here"
    async with module_here(link) as module:
        port = await paged(world, {"shed": {"port": str(link), "sockets": {"telemetry": udp(server.port)}}})
        shed = world.modem("shed")
        await shed.open("telemetry")
        async with stream(port) as seen:
            await shed.send("telemetry", b"21.5", "m1")
            await shed.receipt("telemetry", "m1", "accepted")
            await shed.received("telemetry", b"21.5")
            await until(lambda: len({each["n"] for each in seen.of("message")}) == 2)
            up, down = ([m for m in seen.of("message") if m["direction"] == way][-1] for way in ("up", "down"))
            assert [step["state"] for step in up["steps"]] == ["queued", "sending", "accepted"]
            assert (up["topic"], up["text"]) == (shed.topic("socket/telemetry/send"), "21.5")
            assert (down["topic"], down["hex"]) == (shed.topic("socket/telemetry/received"), b"21.5".hex())
            module.leave_network(by_network=True)
            await shed.socket("telemetry", lambda state: state["phase"] != "open")
            sent = await asked(port, "send", socket="telemetry", data_hex=up["hex"], transaction="again")
            assert sent["transaction"] == "again"
            name = sent["data"]["id"]
            cancelled = await asked(port, "outbox", action="cancel", id=name)
            assert cancelled["data"]["cancelled"] == 1
            await until(lambda: any(m["id"] == name and m["final"] for m in seen.of("message")))
        listed = (await get(port, "/api/modems/shed/messages?state=cancelled")).document()
        assert [each["id"] for each in listed["messages"]] == [name]
        assert listed["messages"][0]["error"]["code"] == "cancelled"
        assert not listed["more"]
        one = (await get(port, f"/api/modems/shed/messages/{up['n']}")).document()
        assert one["hex"] == up["hex"]
        first = (await get(port, "/api/modems/shed/messages?limit=1")).document()
        assert first["more"]
        before = first["messages"][0]["n"]
        rest = (await get(port, f"/api/modems/shed/messages?before={before}")).document()
        assert [each["n"] for each in rest["messages"]] == [before - 1, before - 2]
        module.attach()


async def test_a_bridge_that_is_started_again(world: World) -> None:
    """What waited is there at once; a browser's stream begins anew, since it is another run."""
    port = await paged(world, {"shed": {"port": str(world.directory / "no"), "sockets": {"telemetry": udp(9)}}})
    async with stream(port) as seen:
        await asked(port, "send", socket="telemetry", data="waits", id="m1", priority="high", ttl=3600)
        await until(lambda: seen.of("message"))
        last = seen.last
    async with stream(port, Last_Event_ID=last) as seen:
        await asked(port, "send", socket="telemetry", data="waits, too", id="m2")
        await until(lambda: seen.of("message"))
        assert [kind for kind, _, _ in seen.events if kind == "restart"] == []
        assert {each["id"] for each in seen.of("message")} == {"m2"}
    [bridge] = world.bridges
    await bridge.stop()
    await bridge.start()
    await served(port)
    async with stream(port, f"?last={last}") as seen:
        await until(lambda: f"{BASE}/shed/state" in seen.topics())
        assert seen.events[0][0] == "restart"
        newest, oldest = await messages(port, 2)
        assert (oldest["id"], oldest["text"], oldest["state"]) == ("m1", "waits", "queued")
        assert (oldest["priority"], newest["id"]) == ("high", "m2")
        assert oldest["expires"]


async def test_messages_are_there_after_a_restart(world: World) -> None:
    """Each as it was, under its address, with those of before among those of now; the file is the user's alone."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    port = await paged(world, {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}})
    shed = world.modem("shed")
    await shed.open("telemetry")
    await shed.send("telemetry", b"21.5", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    await shed.received("telemetry", b"21.5")

    async def both() -> list[Any]:
        kept = await messages(port, 2)
        return kept if all(each["final"] for each in kept) else []

    before: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while not before:
            before = await both()
    [bridge] = world.bridges
    await bridge.stop()
    await bridge.start()
    await served(port)
    after = (await get(port, "/api/modems/shed/messages")).document()["messages"]
    assert after == before
    assert [step["state"] for step in after[-1]["steps"]] == ["queued", "sending", "accepted"]
    one = (await get(port, f"/api/modems/shed/messages/{before[0]['n']}")).document()
    assert one["hex"] == b"21.5".hex()
    await asked(port, "send", socket="telemetry", data="22.0", id="m2")
    newest = (await messages(port, 3))[0]
    assert newest["n"] > before[0]["n"]
    files = [file for file in (world.directory / "state").glob("page.history*") if file.stat().st_mode & 0o077]
    assert files == []


async def test_a_bridge_that_is_killed(world: World) -> None:
    """A message that still waits goes on; of one whose end came after the last commit it is said that nobody knows."""
    port = await paged(world, {"shed": {"port": str(world.directory / "no"), "sockets": {"telemetry": udp(9)}}})
    for name in ("m1", "m2"):
        await asked(port, "send", socket="telemetry", data="waits", id=name)
    before = await messages(port, 2)
    [bridge] = world.bridges
    await bridge.stop()
    file = world.directory / "state" / "page.history"
    committed = file.read_bytes()
    await bridge.start()
    await served(port)
    assert await messages(port, 2) == before
    await asked(port, "outbox", action="cancel", id="m2")
    # its end is on the disk before it is published
    await world.modem("shed").receipt("telemetry", "m2", "failed")
    await bridge.kill()
    # a minute may have ended meanwhile
    file.write_bytes(committed)
    for more in file.parent.glob("page.history-*"):
        more.unlink()
    await bridge.start()
    await served(port)
    kept: list[Any] = []
    told: dict[str, Any] = {}
    async with asyncio.timeout(PATIENCE):
        while told.get("m2") != "unknown":
            kept = await messages(port, 2)
            told = {each["id"]: each["state"] for each in kept}
    assert told == {"m1": "queued", "m2": "unknown"}
    assert [each["n"] for each in kept] == [each["n"] for each in before]
    assert [step["state"] for step in kept[0]["steps"]] == ["queued", "unknown"]
    assert (kept[0]["final"], kept[1]["final"]) == (True, False)


async def test_log_dialogue_and_recording(world: World) -> None:
    """Lines are there from the past and as they come, masked and explained; the recording can be decoded."""
    emulator = await world.emulator("--set", "imsi=001019876543210")
    port = await paged(world, {"shed": {"port": emulator.place}})
    async with stream(port, "?with=log,trace") as seen:
        await world.modem("shed").online()
        await until(lambda: seen.of("trace") and seen.of("log"))
        lines = (await get(port, "/api/modems/shed/at")).document()["lines"]
        assert all(line["words"] for line in lines)
        assert {line["direction"] for line in lines} == {">", "<"}
        told = {line["n"]: line["line"] for line in seen.of("trace")}
        assert any(told.get(line["n"]) == line["line"] for line in lines)
        log = (await get(port, "/api/log?modem=shed&level=info")).document()["lines"]
        assert any("the module answers" in line["message"] for line in log)
        recording = await get(port, "/api/modems/shed/recording")
        name = recording.fields["content-disposition"]
        assert re.fullmatch(r'attachment; filename="shed-\d{8}T\d{6}Z\.at"', name)
        kinds = {str(each.kind) for each in explained([recording.body])}
        assert {"command", "answer", "final", "comment"} <= kinds
        everything = recording.body.decode() + json.dumps([lines, log, seen.of("trace"), seen.of("log")])
        assert "001019876543210" in emulator.trace
        assert "001019876543210" not in everything


async def test_the_broker_goes_away(world: World) -> None:
    """What the broker would tell of a bridge that it does not hear, the page tells itself."""
    emulator = await world.emulator()
    port = await paged(world, {"shed": {"port": emulator.place}})
    topic = f"{BASE}/shed/availability"
    async with stream(port) as seen:
        await until(lambda: seen.topics().get(topic) == "online")
        await world.broker.stop()
        await until(lambda: seen.topics().get(topic) == "offline")
        await world.broker.start()
        await until(lambda: seen.topics().get(topic) == "online")


MISTAKES = {
    "/api/modems/nobody/link": (404, "unknown_modem"),
    "/api/modems/shed/messages/99999": (404, "unknown_message"),
    "/api/modems/shed/messages/x": (404, "unknown_message"),
    "/api/modems/shed/messages?before=x": (400, "invalid_request"),
    "/api/modems/shed/messages?limit=-1": (400, "invalid_request"),
    "/api/modems/shed/history?span=year": (400, "invalid_request"),
    "/api/log?level=loud": (400, "invalid_request"),
}


async def test_what_is_asked_wrongly(world: World) -> None:
    """Each mistake has its code, and a request that is refused the contract's answer."""
    port = await paged(world, {"shed": {"port": str(world.directory / "no")}})
    for path, (status, code) in MISTAKES.items():
        answer: Answer = await get(port, path)
        assert (answer.status, answer.code) == (status, code), path
    assert (await asked(port, "refresh"))["error"]["code"] == "modem_offline"
    assert (await asked(port, "nonsense"))["error"]["code"] == "unknown_verb"
    broken = await post(port, "/api/modems/shed/request/refresh", b"{")
    assert broken.document()["error"]["code"] == "invalid_json"
    history = (await get(port, "/api/modems/shed/history?span=week")).document()
    assert (history["rows"], history["step"], history["columns"][0]) == ([], 900, "time")
    [outage] = history["outages"]
    assert (outage["to"], outage["layer"]) == (None, "port")


async def test_without_a_page_nothing_of_it_is_there(world: World) -> None:
    """No module of the page is loaded, and nothing written."""
    emulator = await world.emulator()
    config = world.directory / "pageless.yaml"
    port = free_port()
    document = {
        "mqtt": {"host": world.broker.host, "port": world.broker.port},
        "modems": {"shed": {"port": emulator.place}},
        "state_dir": str(world.directory / "state"),
        "http": {"port": port},
    }
    config.write_text(json.dumps(document))
    bridge = BridgeProcess(config, inside=("env", "PYTHONPROFILEIMPORTTIME=1"))
    await world.add(bridge, "shed")
    await world.modem("shed").online()
    assert (await get(port, "/health")).status == 200
    assert "sim7020_bridge.service.bridge" in bridge.log
    assert "sim7020_bridge.page" not in bridge.log
    assert "microdot" not in bridge.log
    assert not list((world.directory / "state").glob("page*"))


@pytest.mark.parametrize("content", [b"no database"])
async def test_a_history_that_is_damaged(world: World, content: bytes) -> None:
    """The bridge starts, says so once, and begins anew."""
    (world.directory / "state").mkdir()
    (world.directory / "state" / "page.history").write_bytes(content * 1000)
    emulator = await world.emulator()
    port = await paged(world, {"shed": {"port": emulator.place}})
    await world.modem("shed").online()
    assert (await get(port, "/api/modems/shed/history")).status == 200
    assert world.bridges[0].log.count("page's history") == 1
