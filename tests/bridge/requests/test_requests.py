"""Each request, what it answers, and what is wrong with it."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.messages import Acknowledgement
from sim7020_bridge.requests.requests import MOST_AT_ONCE
from tests.bridge.desk import TOPICS, staffed
from tests.bridge.modem.bench import TCP, UDP
from tests.bridge.scripted_module import SILENCE, on_virtual_time
from tests.contract_check import check, check_keys
from tests.virtual_time import run

VERBS = ("send", "refresh", "ping", "resolve", "activate", "deactivate", "set_apn")


@on_virtual_time
async def test_send() -> None:
    """A message can be sent by request; its receipts follow as for any other."""
    async with staffed(UDP) as desk:
        response = await desk.ask("send", socket="udp", data_hex="00 FF", id="m1", ttl=60, priority="high", key="k")
        assert response["status"] == "ok"
        assert response["data"] == {"id": "m1", "socket": "udp", "state": "queued"}
        await desk.final("udp", "m1")
        assert desk.receipts("udp", "m1") == ["queued", "sending", "accepted"]
        made = await desk.ask("send", socket="udp", data="x")
        assert len(made["data"]["id"]) == 32


@on_virtual_time
async def test_send_with_an_id_that_was_sent_before() -> None:
    """Whoever asks is told that it is not sent again: no receipt will come."""
    async with staffed(UDP) as desk:
        await desk.ask("send", socket="udp", data="1", id="m1")
        await desk.final("udp", "m1")
        again = await desk.ask("send", socket="udp", data="1", id="m1")
        assert again["data"] == {"id": "m1", "socket": "udp", "state": "queued", "repeated": True}
        check(
            TOPICS.response("send"),
            desk.on(TOPICS.response("send"))[-1].payload,
            retain=False,
            base="sim7020",
            modem="shed",
        )
        assert desk.receipts("udp", "m1") == ["queued", "sending", "accepted"]


@on_virtual_time
async def test_send_that_was_refused_and_comes_again() -> None:
    """What whoever asked was told stays so, though it could go when the broker, which was not told, brings it again."""
    async with staffed(UDP, absent=100, outbox=OutboxSettings(max_messages=1)) as desk:
        first = await desk.ask("send", socket="udp", data="1", id="m1")
        assert first["status"] == "ok"
        packet = Acknowledgement(1, 7)
        desk.request("send", {"socket": "udp", "data": "2", "id": "m2"}, acknowledgement=packet)
        await desk.ask("outbox", action="cancel", socket="udp", id="m1")
        again = Acknowledgement(2, 7)
        desk.request("send", {"socket": "udp", "data": "2", "id": "m2"}, acknowledgement=again, duplicate=True)
        await asyncio.sleep(1)
        told = desk.documents(TOPICS.response("send"))[1:]
        assert [response["error"]["code"] for response in told] == ["outbox_full"] * 2
        assert [one.acknowledgement for one in desk.acknowledged if one.acknowledgement] == [packet, again]
        assert desk.outbox.queue.messages == 0
        other = await desk.ask("send", socket="udp", data="2", id="m2")
        assert other["status"] == "ok"


@on_virtual_time
async def test_refresh() -> None:
    """Everything is read at once."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        desk.module.answer("AT+CSQ", "+CSQ: 31,0", "OK")
        assert await desk.ask("refresh") == {"status": "ok", "data": {}, "error": None, "transaction": None}
        signal = desk.bench.modem.store.state.signal
        assert signal is not None
        assert signal.rssi_index == 31


@on_virtual_time
async def test_responses_fit_the_contract() -> None:
    """What was done and what was refused are answered with all keys of the schema."""
    async with staffed() as desk:
        await desk.bench.online()
        await desk.ask("refresh", transaction={"any": 1})
        await desk.ask("nonsense")
        for topic in (TOPICS.response("refresh"), TOPICS.response("nonsense")):
            [response] = desk.on(topic)
            check(topic, response.payload, retain=False, base="sim7020", modem="shed")
            check_keys(topic, response.payload, base="sim7020", modem="shed")


@on_virtual_time
async def test_ping() -> None:
    """Each reply is given, and null where none came."""
    async with staffed() as desk:
        await desk.bench.online()
        replies = ("+CIPPING: 1,39.156.66.14,11,52", "+CIPPING: 2,39.156.66.14,100,0")
        desk.module.answer("AT+CIPPING", "OK", *replies)
        data = (await desk.ask("ping", host="example.org", count=2))["data"]
        assert (data["host"], data["address"], data["sent"], data["received"]) == ("example.org", "39.156.66.14", 2, 1)
        assert data["replies"] == [
            {"sequence": 1, "address": "39.156.66.14", "time": 1100, "ttl": 52},
            {"sequence": 2, "address": None, "time": None, "ttl": None},
        ]


@on_virtual_time
async def test_ping_without_any_report() -> None:
    """A ping of which nothing is ever reported ends all the same, and the next one is not confused by late replies."""
    async with staffed() as desk:
        await desk.bench.online()
        data = (await desk.ask("ping", host="198.51.100.7"))["data"]
        assert (data["address"], data["sent"], data["received"], data["replies"]) == (None, 4, 0, [])
        desk.module.say("+CIPPING: 1,198.51.100.7,3,52")
        await asyncio.sleep(1)
        desk.module.answer("AT+CIPPING", "+CIPPING: 1,198.51.100.9,2,60", "OK")
        data = (await desk.ask("ping", host="198.51.100.9", count=1))["data"]
        assert (data["address"], data["received"]) == ("198.51.100.9", 1)


@pytest.mark.parametrize(
    ("lines", "status", "result"),
    [
        pytest.param(("OK", '+CDNSGIP: 1,"example.org","1.2.3.4","5.6.7.8"'), "ok", ["1.2.3.4", "5.6.7.8"], id="URC"),
        pytest.param(("+CDNSGIP: 61.135.169.121", "OK"), "ok", ["61.135.169.121"], id="answer"),
        pytest.param(("OK", "+CDNSGIP: 0,8"), "error", "resolve_failed", id="failure"),
        pytest.param(("+CDNSGIP: 0,10", "ERROR"), "error", "resolve_failed", id="cause before the refusal"),
        pytest.param(("OK",), "error", "resolve_timeout", id="nothing"),
        pytest.param(("ERROR",), "error", "module_refused", id="refused"),
        pytest.param(("+CDNSGIP:", "OK"), "error", "module_unclear", id="unclear"),
        pytest.param(SILENCE, "error", "module_silent", id="silence"),
    ],
)
@on_virtual_time
async def test_resolve(lines: tuple[str, ...], status: str, result: list[str] | str) -> None:
    """A name is resolved, or it is said why not."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer("AT+CDNSGIP", *lines)
        response = await desk.ask("resolve", name="example.org", transaction=[7])
        assert (response["status"], response["transaction"]) == (status, [7])
        given = response["data"]["addresses"] if response["data"] else response["error"]["code"]
        assert given == result


@on_virtual_time
async def test_another_name_s_answer_is_not_taken() -> None:
    """The late answer for another name is not this one's."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer("AT+CDNSGIP", "OK", '+CDNSGIP: 1,"a.org","1.1.1.1"', '+CDNSGIP: 1,"B.org","2.2.2.2"')
        assert (await desk.ask("resolve", name="b.org"))["data"]["addresses"] == ["2.2.2.2"]


@on_virtual_time
async def test_deactivate_and_activate() -> None:
    """The context is switched off and stays off, and is switched on again."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        assert (await desk.ask("deactivate"))["data"]["pdn"]["state"] == "inactive"
        await asyncio.sleep(3600)
        assert desk.bench.modem.store.state.link.layer is Layer.PDN
        assert desk.module.times("AT+CGACT=1,1") == 0
        desk.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        pdn = (await desk.ask("activate"))["data"]["pdn"]
        assert (pdn["state"], pdn["address"]) == ("active", "10.250.0.213")
        await desk.bench.opened("udp")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param(("+CME ERROR: 151",), "module_refused", id="last PDN"),
        pytest.param(SILENCE, "module_silent", id="silence"),
        pytest.param(("RDY",), "modem_offline", id="restart"),
    ],
)
@on_virtual_time
async def test_context_that_stays_on(lines: tuple[str, ...], code: str) -> None:
    """A context that can't be switched off is wanted as before."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer("AT+CGACT=0,1", *lines)
        response = await desk.ask("deactivate")
        assert response["error"]["code"] == code
        await desk.bench.online()
        assert desk.bench.modem.store.state.pdn.wanted


@on_virtual_time
async def test_set_apn() -> None:
    """The APN is set between radio off and on; the answer comes when the modem is online again."""
    async with staffed() as desk:
        await desk.bench.online()
        fields: dict[str, Any] = {"username": "me", "password": "secret"}
        response = await desk.ask("set_apn", apn="iot.1nce.net", **fields)
        assert response["data"]["apn"] == "iot.1nce.net"
        assert response["data"]["pdn"]["state"] == "active"
        heard = desk.module.heard
        off, on = heard.index("AT+CFUN=0"), heard.index("AT+CFUN=1")
        assert off < heard.index('AT*MCGDEFCONT="IP","iot.1nce.net","me","secret"') < on


@on_virtual_time
async def test_set_apn_that_does_not_come_online() -> None:
    """An APN with which the modem does not come online is answered after a while with what there is."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        desk.module.answer("AT+CGACT?", "OK")
        response = await desk.ask("set_apn", apn="other")
        assert (response["status"], response["data"]["pdn"]["state"]) == ("ok", "inactive")


@pytest.mark.parametrize(
    ("verb", "fields", "code"),
    [
        ("send", {}, "invalid_request"),
        ("send", {"socket": "udp"}, "invalid_json"),
        ("send", {"socket": "udp", "data": ""}, "empty"),
        ("send", {"socket": "udp", "data": "x", "data_hex": "00"}, "invalid_json"),
        ("send", {"socket": "udp", "data_hex": "0"}, "invalid_hex"),
        ("send", {"socket": "nobody", "data": "x"}, "unknown_socket"),
        ("send", {"socket": "udp", "data": 513 * "x"}, "too_large"),
        ("send", {"socket": "udp", "data": "x", "ttl": 0}, "invalid_request"),
        ("send", {"socket": "udp", "data": "x", "ttl": True}, "invalid_request"),
        ("send", {"socket": "udp", "data": "x", "id": 129 * "x"}, "invalid_request"),
        ("send", {"socket": "udp", "data": "x", "key": ""}, "invalid_request"),
        ("send", {"socket": "udp", "data": "x", "priority": "urgent"}, "invalid_request"),
        ("ping", {}, "invalid_request"),
        ("ping", {"host": 'a"b'}, "invalid_request"),
        ("ping", {"host": "a\r\nAT"}, "invalid_request"),
        ("ping", {"host": "a", "count": 101}, "invalid_request"),
        ("resolve", {"name": "m\u00fcller.de"}, "invalid_request"),
        ("set_apn", {}, "invalid_request"),
        ("set_apn", {"apn": 'a"'}, "invalid_request"),
        ("set_apn", {"apn": "a", "password": "\u00fc"}, "invalid_request"),
        ("at", {"command": "AT"}, "unknown_verb"),
        ("ping", {"host": "a", "expires": "2025-12-31T23:59:59Z"}, "expired"),
        ("ping", {"host": "a", "expires": "2026-01-01T00:00:00"}, "invalid_request"),
        ("ping", {"host": "a", "expires": "soon"}, "invalid_request"),
    ],
    ids=str,
)
@on_virtual_time
async def test_refused(verb: str, fields: dict[str, Any], code: str) -> None:
    """What is wrong with a request goes into its response, with the transaction."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        response = await desk.ask(verb, **fields, transaction="t")
        assert (response["status"], response["data"], response["transaction"]) == ("error", None, "t")
        assert response["error"]["code"] == code


@on_virtual_time
async def test_retained_and_unreadable() -> None:
    """A retained request and one that is no JSON object are refused."""
    async with staffed() as desk:
        desk.request("refresh", {}, retain=True)
        desk.request("refresh", b"[]")
        desk.request("refresh", b"\xff")
        codes = [document["error"]["code"] for document in desk.documents(TOPICS.response("refresh"))]
        assert codes == ["retained", "invalid_json", "invalid_json"]
        desk.request("nothing", b"now")
        (document,) = desk.documents(TOPICS.response("nothing"))
        assert document["error"]["message"] == "there is no request nothing"


@on_virtual_time
async def test_modem_offline() -> None:
    """While nobody answers, requests are refused with the reason."""
    async with staffed(absent=5) as desk:
        await asyncio.sleep(1)
        requests: tuple[tuple[str, dict[str, Any]], ...]
        requests = (("refresh", {}), ("ping", {"host": "a"}), ("activate", {}), ("set_apn", {"apn": "a"}))
        for verb, fields in requests:
            response = await desk.ask(verb, **fields)
            assert response["error"]["code"] == "modem_offline"
            assert "no such device" in response["error"]["message"]


@on_virtual_time
async def test_modem_that_goes_away() -> None:
    """A request under way when the port goes away is answered."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer("AT+CIPPING", *SILENCE)
        asking = asyncio.create_task(desk.ask("ping", host="a"))
        await desk.module.hears("AT+CIPPING")
        desk.module.unplug()
        assert (await asking)["error"]["code"] == "modem_offline"


@on_virtual_time
async def test_busy() -> None:
    """Only so many requests are under way at once; when some are done, others are taken."""
    async with staffed() as desk:
        await desk.bench.online()
        for number in range(MOST_AT_ONCE + 2):
            desk.request("resolve", {"name": "example.org", "transaction": number})
        answered = desk.documents(TOPICS.response("resolve"))
        assert [(one["transaction"], one["error"]["code"]) for one in answered] == [(16, "busy"), (17, "busy")]
        await asyncio.sleep(MOST_AT_ONCE * 61)
        answered = desk.documents(TOPICS.response("resolve"))
        assert sorted(one["transaction"] for one in answered) == list(range(MOST_AT_ONCE + 2))
        assert (await desk.ask("refresh"))["status"] == "ok"


@pytest.mark.parametrize(
    ("topic", "answers"), [("me/answers", 1), (TOPICS.request("refresh"), 0), ("sim7020/attic/state", 0)]
)
@on_virtual_time
async def test_response_topic(topic: str, answers: int) -> None:
    """The response goes to the caller's topic as well, unless that is the bridge's own."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        desk.request("refresh", {}, response_topic=topic, correlation_data=b"\x00")
        await asyncio.sleep(10)
        assert [one.correlation_data for one in desk.on(topic)] == answers * [b"\x00"]
        assert len(desk.on(TOPICS.response("refresh"))) == 1


@pytest.mark.parametrize("more", [{"response_topic": "t" * 1025}, {"correlation_data": bytes(1025)}])
@on_virtual_time
async def test_too_long_to_be_answered(more: dict[str, Any]) -> None:
    """A request whose answer would carry too much is refused, where every answer is."""
    async with staffed(UDP) as desk:
        await desk.bench.online()
        desk.request("refresh", {}, **{"response_topic": "me/answers", **more})
        await asyncio.sleep(10)
        assert desk.on("me/answers") == desk.on("t" * 1025) == []
        assert desk.documents(TOPICS.response("refresh"))[0]["error"]["code"] == "invalid_property"


@on_virtual_time
async def test_stop_gives_up() -> None:
    """Requests that are under way at the end are given up, and leave no task."""
    async with staffed() as desk:
        await desk.bench.online()
        for verb, fields in (("resolve", {"name": "a"}), ("ping", {"host": "a"}), ("refresh", {})):
            desk.request(verb, fields)
        await asyncio.sleep(0.5)
        await desk.requests.stop()
        assert not desk.requests._under_way


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "socket",
        "data",
        "data_hex",
        "id",
        "ttl",
        "key",
        "priority",
        "host",
        "count",
        "name",
        "apn",
        "username",
        "expires",
        "transaction",
    ]
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(KEYS, JSON | st.sampled_from(["udp", "tcp", "a", "00"]), max_size=5).map(
        lambda fields: json.dumps(fields).encode()
    ),
    st.sampled_from([b'{"transaction":"\\ud800"}', b'{"expires":"0001-01-01T00:00:00+23:59"}', b'{"count":1e400}']),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*VERBS, "x"]), BODIES), max_size=8))
def test_every_request_is_answered(requests: list[tuple[str, bytes]]) -> None:
    """Whatever comes as a request, nothing is raised and there is one response to each."""

    async def main() -> None:
        unnoticed: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unnoticed.append(context))
        async with staffed(UDP, TCP) as desk:
            await desk.bench.online()
            for verb, body in requests:
                desk.request(verb, body)
            await asyncio.sleep(3600)
            responses = [one for one in desk.published if "/response/" in one.topic]
            assert len(responses) == len(requests)
        assert unnoticed == []

    run(main(), grace=0)
