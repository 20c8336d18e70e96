"""Messages between MQTT and sockets: what is sent, in which order, and what becomes of each."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.config.model import Encoding, PowerSavingSettings, PriorityName
from sim7020_bridge.delivery.router import ATTEMPTS
from sim7020_bridge.modem.data_cost import Bytes
from sim7020_bridge.mqtt.messages import Received
from tests.bridge.desk import TOPICS, named, sent, staffed
from tests.bridge.modem.bench import TCP, UDP, now
from tests.bridge.scripted_module import SILENCE, on_virtual_time
from tests.virtual_time import run


@on_virtual_time
async def test_udp_receipts() -> None:
    """A UDP message is done once the module has taken it: nothing more can be known."""
    async with staffed(UDP) as desk:
        desk.send("udp", b"hello", **named("m1"))
        final = await desk.final("udp", "m1")
        assert desk.receipts("udp", "m1") == ["queued", "sending", "accepted"]
        assert (final["bytes"], final["attempts"], final["error"]) == (5, 1, None)


@on_virtual_time
async def test_acknowledged_to_the_broker_once_taken() -> None:
    """Every publication is acknowledged once, whether taken or refused, and a request when it is answered."""
    async with staffed(UDP, absent=100) as desk:
        desk.send("udp", b"x", **named("m1"))
        desk.send("udp", b"", **named("m2"))
        desk.send("nobody", b"x", **named("m3"))
        desk.request("send", {"socket": "udp", "data": "x"})
        desk.request("nonsense", b"[")
        await asyncio.sleep(1)
        assert len(desk.acknowledged) == 5


@on_virtual_time
async def test_long_messages() -> None:
    """TCP splits what UDP refuses; exactly 512 bytes fit a datagram."""
    async with staffed(UDP, TCP) as desk:
        desk.send("udp", bytes(513), **named("large"))
        desk.send("udp", bytes(512), **named("fits"))
        desk.send("tcp", bytes(513), **named("split"))
        rejected = await desk.final("udp", "large")
        assert (rejected["state"], rejected["error"]["code"]) == ("rejected", "too_large")
        assert (await desk.final("udp", "fits"))["state"] == "accepted"
        await desk.module.hears("AT+CSOSEND", times=3)
        assert [receipt["id"] for receipt in desk.documents(TOPICS.receipt("udp"))].count("large") == 1


@on_virtual_time
async def test_release_assistance_goes_before_the_last_of_several() -> None:
    """What waits behind a message, at any socket, follows it; what the pace holds back does not."""
    saving = PowerSavingSettings(release_assistance=True)
    slow = replace(UDP, name="slow", min_interval=3600.0)
    async with staffed(UDP, TCP, slow, power_saving=saving) as desk:
        for name in ("udp", "tcp", "slow"):
            await desk.bench.opened(name)
        desk.send("slow", b"0", **named("s1"))
        await desk.final("slow", "s1")
        desk.send("slow", b"0", **named("s2"))
        desk.module.heard.clear()
        for number in range(3):
            desk.send("udp", b"%d" % number, **named(f"m{number}"))
        await desk.final("udp", "m2")
        assert [line.partition("=")[0] for line in desk.module.heard if "RAI" in line or "CSOSEND=" in line] == [
            *("AT+CSOSEND", "AT+CSOSEND"),
            *("AT+CNBIOTRAI", "AT+CSOSEND"),
        ]


@on_virtual_time
async def test_refusals_are_counted() -> None:
    """A message that may be too large for the module is tried a few times, each on a new socket, and then given up."""
    async with staffed(UDP) as desk:
        desk.module.answer("AT+CSOSEND", "ERROR")
        desk.send("udp", bytes(257), **named("m1"))
        final = await desk.final("udp", "m1")
        assert (final["state"], final["attempts"], final["error"]["code"]) == ("failed", ATTEMPTS, "module_refused")
        assert desk.module.times("AT+CSOC") == ATTEMPTS
        assert desk.module.times("AT+CSOSEND") == ATTEMPTS
        desk.module.answer("AT+CSOSEND", "OK")
        desk.send("udp", b"y", **named("m2"))
        assert (await desk.final("udp", "m2"))["state"] == "accepted"


@pytest.mark.parametrize("answer", [("ERROR",), ("+CSOERR: 0,3", "OK"), SILENCE], ids=["refused", "broken", "silent"])
@on_virtual_time
async def test_nothing_overtakes_a_message_that_fails(answer: tuple[str, ...]) -> None:
    """A datagram that was ready behind one that failed waits until that one has gone, and is counted once."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        costs: list[Bytes] = []
        desk.bench.modem.store.on_cost = costs.append
        desk.module.answer_once("AT+CSOSEND", *answer)
        for number in (1, 2, 3):
            desk.send("udp", b"%d" % number, **named(f"m{number}"))
        for number in (1, 2, 3):
            assert (await desk.final("udp", f"m{number}"))["state"] == "accepted"
        payloads = sent(desk)
        assert list(dict.fromkeys(payloads)) == ["1", "2", "3"]
        assert payloads[payloads.index("2") :] == ["2", "3"]
        gone = len(payloads) - (answer == ("ERROR",))
        assert sum(cost.up for cost in costs) == gone * (28 + 1)


@on_virtual_time
async def test_silence_is_an_attempt() -> None:
    """A message that the module doesn't answer is tried again."""
    async with staffed(UDP) as desk:
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        desk.send("udp", b"x", **named("m1"))
        final = await desk.final("udp", "m1")
        assert (final["state"], final["attempts"]) == ("accepted", 2)


@pytest.mark.parametrize("evidence", ["unplugged", "RDY"])
@on_virtual_time
async def test_interrupted_message_is_sent_in_the_next_session(evidence: str) -> None:
    """A message that a lost port or a restart interrupts is sent again, and the loop goes on meanwhile."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("udp")
        await desk.bench.opened("tcp")
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        desk.send("udp", b"first", **named("m1"))
        desk.send("tcp", b"second", **named("m2"))
        await desk.module.hears("AT+CSOSEND")
        if evidence == "RDY":
            desk.module.say(evidence)
        else:
            desk.module.unplug()
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        await desk.module.hears("AT+CSOSEND", times=3)
        assert sorted(sent(desk)) == ["first", "first", "second"]
        assert desk.receipts("udp", "m1").count("sending") == 2


@on_virtual_time
async def test_expired_while_it_waits() -> None:
    """A message whose time runs out before its socket opens is not sent."""
    async with staffed(UDP, absent=200) as desk:
        desk.send("udp", b"x", message_expiry=30, **named("m1"))
        await desk.final("udp", "m1")
        assert desk.receipts("udp", "m1") == ["queued", "expired"]
        assert 30 <= now() < 31
        await desk.bench.opened("udp")
        await asyncio.sleep(60)
        assert sent(desk) == []


@pytest.mark.parametrize(("ttl", "state"), [(30, "expired"), (3000, "accepted")])
@on_virtual_time
async def test_expired_after_an_interruption(ttl: int, state: str) -> None:
    """A message that was interrupted lives no longer than any other."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        desk.send("udp", b"x", message_expiry=ttl, **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        desk.bench.absent = 400
        desk.module.unplug()
        assert (await desk.final("udp", "m1"))["state"] == state


@on_virtual_time
async def test_expired_during_the_last_attempt() -> None:
    """A message that ran out while the module was silent about it is not tried again."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer("AT+CSOSEND", *SILENCE)
        desk.send("udp", b"x", message_expiry=30, **named("m1"))
        assert (await desk.final("udp", "m1"))["state"] == "expired"
        assert desk.module.times("AT+CSOSEND") == 1


@on_virtual_time
async def test_the_most_urgent_that_a_sender_may_be() -> None:
    """What claims a higher priority than the configuration allows goes as the highest of these, in turn."""
    async with staffed(replace(UDP, highest_priority=PriorityName.NORMAL), absent=1) as desk:
        desk.send("udp", b"1", **named("m1"))
        desk.send("udp", b"2", **named("m2", priority="critical"))
        desk.request("send", b'{"socket":"udp","data":"3","priority":"high"}')
        desk.send("udp", b"4", **named("m4", priority="low"))
        await desk.final("udp", "m4")
        assert sent(desk) == ["1", "2", "3", "4"]


@on_virtual_time
async def test_priority_and_key() -> None:
    """What is more urgent goes first, and a newer message replaces an older one with its key."""
    async with staffed(UDP, absent=1) as desk:
        desk.send("udp", b"old", **named("m1", key="k"))
        desk.send("udp", b"low", **named("m2", priority="low"))
        desk.send("udp", b"critical", **named("m3", priority="critical"))
        desk.send("udp", b"new", **named("m4", key="k"))
        assert (await desk.final("udp", "m1"))["state"] == "superseded"
        await desk.final("udp", "m2")
        assert sent(desk) == ["critical", "new", "low"]


@pytest.mark.parametrize(
    ("socket", "payload", "more", "code"),
    [
        pytest.param("udp", b"x", {"retain": True}, "retained", id="retained"),
        pytest.param("udp", b"", {}, "empty", id="empty"),
        pytest.param("nobody", b"x", {}, "unknown_socket", id="unknown socket"),
        pytest.param("udp", b"x", {"user_properties": (("priority", "urgent"),)}, "invalid_property", id="priority"),
        pytest.param("udp", b"x", {"user_properties": (("id", 129 * "x"),)}, "invalid_property", id="id"),
        pytest.param("udp", b"x", {"user_properties": (("id", ""),)}, "invalid_property", id="empty id"),
        pytest.param("udp", b"x", {"user_properties": (("key", ""),)}, "invalid_property", id="key"),
        pytest.param("udp", b"x", {"response_topic": "t" * 1025}, "invalid_property", id="response topic"),
        pytest.param("udp", b"x", {"correlation_data": bytes(1025)}, "invalid_property", id="correlation data"),
        pytest.param("udp", bytes(64 * 1024 + 1), {}, "too_large", id="too large to look at"),
    ],
)
@on_virtual_time
async def test_rejected(socket: str, payload: bytes, more: dict[str, Any], code: str) -> None:
    """What can't be sent gets one receipt that says why, and nothing is queued."""
    async with staffed(UDP) as desk:
        desk.send(socket, payload, **more)
        await asyncio.sleep(0.1)
        [receipt] = desk.documents(TOPICS.receipt(socket))
        assert (receipt["state"], receipt["final"], receipt["error"]["code"]) == ("rejected", True, code)
        assert 1 <= len(receipt["id"]) <= 128
        assert desk.outbox.queue.messages == 0


@on_virtual_time
async def test_full_outbox() -> None:
    """A message too many is rejected, and the others are not touched."""
    async with staffed(UDP, absent=100) as desk:
        for number in range(10001):
            desk.send("udp", b"x", **named(f"m{number}"))
        assert (await desk.final("udp", "m10000"))["error"]["code"] == "outbox_full"
        assert desk.outbox.queue.messages == 10000


@on_virtual_time
async def test_receipts_at_the_response_topic() -> None:
    """Receipts go to the sender's own topic as well, with its correlation data."""
    async with staffed(UDP) as desk:
        desk.send("udp", b"x", response_topic="me/answers", correlation_data=b"\x00\xff", **named("m1"))
        await desk.final("udp", "m1")
        answers = desk.on("me/answers")
        assert [answer.payload for answer in answers] == [one.payload for one in desk.on(TOPICS.receipt("udp"))]
        assert {answer.correlation_data for answer in answers} == {b"\x00\xff"}


@on_virtual_time
async def test_receipts_of_a_message_to_a_pool() -> None:
    """They go to the pool and to the sender's own topic, with the modem's name, and to the socket's topic as ever."""
    async with staffed(replace(UDP, pool="meters")) as desk:
        message = Received(topic=TOPICS.pool_send("meters"), payload=b"x", response_topic="me", **named("m1"))
        desk.intake.receive("udp", message, "meters")
        await desk.final("udp", "m1")
        own = desk.documents(TOPICS.receipt("udp"))
        pooled = desk.documents(TOPICS.pool_receipt("meters"))
        assert [receipt["state"] for receipt in pooled] == ["queued", "sending", "accepted"]
        assert pooled == [receipt | {"modem": "shed"} for receipt in own] == desk.documents("me")
        desk.intake.receive("udp", replace(message, retain=True), "meters")
        await asyncio.sleep(1)
        assert desk.documents(TOPICS.pool_receipt("meters"))[-1]["error"]["code"] == "retained"


@on_virtual_time
async def test_a_pool_that_the_modem_is_in_no_longer() -> None:
    """A message that is dealt to it all the same is rejected at the pool, also if a socket has the pool's name."""
    async with staffed(replace(UDP, pool="others")) as desk:
        message = Received(topic=TOPICS.pool_send("udp"), payload=b"x", **named("m1"))
        desk.intake.receive("udp", message, "udp")
        await desk.final("udp", "m1")
        (receipt,) = desk.documents(TOPICS.pool_receipt("udp"))
        assert (receipt["state"], receipt["error"]["code"]) == ("rejected", "unknown_pool")
        assert sent(desk) == []


@pytest.mark.parametrize(
    "topic",
    [
        TOPICS.send("udp"),
        TOPICS.request("ping"),
        TOPICS.state,
        "mapped/one",
        "came/in",
        "homeassistant/device/x/config",
    ],
)
@on_virtual_time
async def test_receipts_on_the_bridge_s_own_topics(topic: str) -> None:
    """A response topic that the bridge has a use for is not answered: not what it listens to, nor what it publishes."""
    async with staffed(replace(UDP, send_topics=("mapped/+",), received_topic="came/in")) as desk:
        desk.send("udp", b"x", response_topic=topic, correlation_data=b"c", **named("m1"))
        await desk.final("udp", "m1")
        assert [one for one in desk.on(topic) if one.correlation_data is not None] == []


@on_virtual_time
async def test_the_end_waits_for_what_is_under_way() -> None:
    """A bridge that ends lets the message that the module has come to its end, and begins no other."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        finishing = asyncio.create_task(desk.router.finish(2.0))
        await asyncio.sleep(0.5)
        desk.send("tcp", b"y", **named("m2"))
        desk.module.say("SEND: 0,1")
        await finishing
        await asyncio.sleep(0.1)
        assert desk.receipts("tcp", "m1")[-1] == "acknowledged"
        assert desk.receipts("tcp", "m2") == ["queued"]


@on_virtual_time
async def test_received() -> None:
    """What comes from the network goes to the contract's topic and to the configured one, each once."""
    for configured, topics in (
        (None, [TOPICS.received("udp")]),
        ("garden/in", [TOPICS.received("udp"), "garden/in"]),
        (TOPICS.received("udp"), [TOPICS.received("udp")]),
    ):
        async with staffed(replace(UDP, received_topic=configured, encoding=Encoding.HEX)) as desk:
            await desk.bench.opened("udp")
            desk.module.say("+CSONMI: 0,4,00FF")
            await asyncio.sleep(0.1)
            got = [one for one in desk.published if one.payload == b"00ff"]
            assert [one.topic for one in got] == topics


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(Encoding),
    st.lists(
        st.tuples(st.binary(max_size=40), st.dictionaries(st.text(), st.text(max_size=140), max_size=3)), max_size=5
    ),
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
)
def test_any_payload_either_way(
    encoding: Encoding, messages: list[tuple[bytes, dict[str, str]]], incoming: list[bytes]
) -> None:
    """No payload, property or received byte raises, and every message ends in one final receipt."""

    async def main() -> None:
        async with staffed(replace(UDP, encoding=encoding)) as desk:
            await desk.bench.opened("udp")
            for payload, properties in messages:
                desk.send("udp", payload, user_properties=tuple(properties.items()))
            for data in incoming:
                desk.module.say(f"+CSONMI: 0,{2 * len(data)},{data.hex().upper()}")
            await asyncio.sleep(60)
            receipts = desk.documents(TOPICS.receipt("udp"))
            assert sum(receipt["final"] for receipt in receipts) == len(messages)
            assert len(desk.on(TOPICS.received("udp"))) == len(incoming)

    run(main(), grace=0)
