"""Requests that come by another way than MQTT have the answers that they have there."""

import asyncio
import json
import logging
from contextvars import Context

import pytest

from sim7020_bridge import logs
from sim7020_bridge.config.model import OutboxSettings
from tests.bridge.desk import TOPICS, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import SILENCE, on_virtual_time
from tests.contract_check import check, check_keys

REQUESTS = {
    "refresh": b'{"transaction": {"any": 1}}',
    "ping": b"{}",
    "resolve": b'{"name": "192.0.2.1"}',
    "activate": b"",
    "set_apn": b'{"apn": 5}',
    "outbox": b"{}",
    "calibrate": b'{"used": 5, "transaction": "t"}',
    "trace": b'{"seconds": 0}',
    "wake": b"[",
    "reset": b'{"expires": "2001-01-01T00:00:00Z"}',
    "send": b'{"socket": "udp", "data": ""}',
    "nonsense/../x": b"{",
}


@pytest.mark.parametrize(("verb", "body"), REQUESTS.items(), ids=REQUESTS)
@on_virtual_time
async def test_the_answer_is_the_contract_s(verb: str, body: bytes) -> None:
    """What is asked here and over MQTT is answered byte for byte alike, and the answer published only there."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        answer = await desk.requests.ask(verb, body)
        assert desk.on(TOPICS.response(verb)) == []
        desk.request(verb, body)
        await asyncio.sleep(60)
        assert desk.on(TOPICS.response(verb))[0].payload == answer
        if "/" not in verb:
            check(TOPICS.response(verb), answer, retain=False, base="sim7020", modem="shed")
            if verb != "outbox":  # which has other keys for other actions
                check_keys(TOPICS.response(verb), answer, base="sim7020", modem="shed")


@on_virtual_time
async def test_a_message_is_on_disk_when_it_is_answered() -> None:
    """A message that is sent waits in the outbox by then, has its receipts, and is sent once."""
    async with staffed(UDP, absent=100) as desk:
        body = b'{"socket": "udp", "data_hex": "00 FF", "id": "m1", "priority": "high", "transaction": 7}'
        answer = await desk.requests.ask("send", body)
        check(TOPICS.response("send"), answer, retain=False, base="sim7020", modem="shed")
        told = json.loads(answer)
        assert told["data"] == {"id": "m1", "socket": "udp", "state": "queued"}
        assert told["transaction"] == 7
        [entry] = desk.outbox
        assert (entry.message.data, entry.committed) == (b"\x00\xff", True)
        assert json.loads(await desk.requests.ask("send", body))["data"]["repeated"] is True
        assert len(list(desk.outbox)) == 1


@on_virtual_time
async def test_a_message_for_which_there_is_no_room() -> None:
    """Whoever asks is told why it is not taken."""
    async with staffed(UDP, absent=100, outbox=OutboxSettings(max_messages=1)) as desk:
        body = b'{"socket": "udp", "data": "x"}'
        assert json.loads(await desk.requests.ask("send", body))["status"] == "ok"
        assert json.loads(await desk.requests.ask("send", body))["error"]["code"] == "outbox_full"


@on_virtual_time
async def test_nobody_waits_any_more() -> None:
    """What was begun is carried out, though whoever asked has gone."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        asked = asyncio.create_task(desk.requests.ask("reattach", b""))
        await desk.module.hears("AT+CFUN=0")
        asked.cancel()
        await desk.module.hears("AT+CFUN=1", times=desk.module.times("AT+CFUN=1") + 1)


@on_virtual_time
async def test_the_bridge_ends_first() -> None:
    """Who asks when the bridge ends does not wait for ever."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        desk.module.answer("AT+CIPPING", *SILENCE)
        asked = asyncio.create_task(desk.requests.ask("ping", b'{"host": "192.0.2.1"}'))
        await desk.module.hears("AT+CIPPING")
        await desk.requests.stop()
        with pytest.raises(asyncio.CancelledError):
            await asked


@pytest.mark.parametrize("way", ["page", "mqtt"])
@on_virtual_time
async def test_all_that_is_asked_for_names_the_modem(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asks works for no modem: commands, those of what a request begins too, and lines of the log do."""
    logs.current_modem.set("shed")
    caplog.handler.addFilter(logs.name_modem)
    heard: list[str] = []
    logs.overhear("shed", heard.append)
    try:
        async with staffed(UDP) as desk:
            await desk.bench.online()
            for verb, body in (
                ("refresh", b"{}"),
                ("set_apn", b'{"apn": "iot.example"}'),
                ("reset", b""),
                ("nonsense", b"{"),
                ("ping", b'{"host": "192.0.2.1"}'),
            ):
                desk.module.answer("AT+CIPPING", *SILENCE)  # so that the line has to be mended
                if way == "page":
                    await asyncio.create_task(desk.requests.ask(verb, body), context=Context())
                else:
                    Context().run(desk.request, verb, body)
                await asyncio.sleep(600)
            commands = [line for line in heard if line.startswith("> ")]
            written = [line for line in desk.module.heard if line.startswith("AT")]
            assert len(commands) == len(written)
    finally:
        logs.overhear("shed", None)
        caplog.handler.removeFilter(logs.name_modem)
    told = [record for record in caplog.records if record.levelno >= logging.INFO]
    assert any("nonsense" in record.getMessage() for record in told)
    assert {getattr(record, "modem", None) for record in told} == {"shed"}
