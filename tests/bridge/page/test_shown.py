"""One modem as the page shows it, behind a real modem's parts: what browsers are told, and when."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from sim7020_bridge import logs
from sim7020_bridge.clock import rfc3339
from sim7020_bridge.config.model import SocketSettings
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.refusals import Kind, Problem
from sim7020_bridge.page.dialogue import MOST
from sim7020_bridge.page.feed import Feed
from sim7020_bridge.page.messages import Messages
from sim7020_bridge.page.shown import A_MOMENT, BETWEEN, SHARE, SLICE, Bridge, Shown
from tests.bridge.desk import TOPICS, Desk, named, staffed
from tests.bridge.modem.bench import UDP, virtual_clock
from tests.bridge.scripted_module import on_virtual_time
from tests.web import until


class Browser:
    """Reads a feed, and keeps what it reads by kind."""

    def __init__(self, feed: Feed, *also: str, last: str | None = None) -> None:
        self.feed = feed
        self.events: list[tuple[str, list[str]]] = []
        self._stream = feed.follow(last, also)

    async def read(self) -> None:
        """Read until cancelled."""
        async for part in self._stream:
            for event in part.decode().split("\n\n"):
                lines = [line.partition(": ") for line in event.splitlines()]
                kind = next((value for name, _, value in lines if name == "event"), "")
                self.events.append((kind, [value for name, _, value in lines if name == "data"]))

    def documents(self, kind: str) -> list[dict[str, Any]]:
        """Return the JSON of a kind."""
        return [json.loads(data[0]) for each, data in self.events if each == kind]

    def of_topic(self, topic: str) -> list[str]:
        """Return the payloads of a topic."""
        return [data[1] for kind, data in self.events if kind == "mqtt" and data[0] == topic]


@asynccontextmanager
async def shown(
    *sockets: SocketSettings, also: tuple[str, ...] = (), **settings: Any
) -> AsyncIterator[tuple[Desk, Shown, Browser]]:
    """Show a modem to a browser."""
    logs.current_modem.set("shed")
    feed = Feed("r")
    modem = Shown("shed", feed, clock=virtual_clock)
    browser = Browser(feed, *also)
    async with staffed(*sockets, observer=modem, **settings) as desk:
        bridge = SimpleNamespace(
            modem=desk.bench.modem,
            state=desk.reporter.state,
            retained=desk.reporter.retained,
            ask=desk.requests.ask,
            problem=Problem("no answer yet", Kind.NO_ANSWER),
        )
        reading = asyncio.create_task(browser.read())
        modem.begin(cast(Bridge, bridge))
        try:
            yield desk, modem, browser
        finally:
            modem.end()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def silent_bridge() -> Bridge:
    """Return a bridge whose modem says nothing."""
    state = {"link": {"layer": Layer.PORT}, "usage": {"total": {"up": 0, "down": 0}}}
    store = SimpleNamespace(listen=lambda _: None, state=SimpleNamespace(link=SimpleNamespace(layer=Layer.PORT)))
    bridge = SimpleNamespace(modem=SimpleNamespace(store=store), state=lambda: state, retained=dict, problem=None)
    return cast(Bridge, bridge)


@on_virtual_time
async def test_documents_are_told_byte_for_byte() -> None:
    """What is retained at the start comes, then each change, as it goes to the broker."""
    async with shown(UDP) as (desk, _, browser):
        await desk.bench.online()
        await asyncio.sleep(5)
        published = [publication.payload.decode() for publication in desk.on(TOPICS.state)]
        told = browser.of_topic(TOPICS.state)
        assert told[-1] == published[-1]
        assert set(told[1:]) <= set(published)
        assert browser.of_topic(TOPICS.info)
        assert browser.of_topic(TOPICS.socket_state("udp"))
        assert [json.loads(event)["type"] for event in browser.of_topic(TOPICS.event)] == ["attached"]
        before = len(browser.events)
        desk.reporter.connected()
        await asyncio.sleep(1)
        again = [data[0] for kind, data in browser.events[before:] if kind == "mqtt"]
        assert TOPICS.state not in again, "what has not changed is not told again"


@on_virtual_time
async def test_the_broker_s_side() -> None:
    """At the start and at each change, whether the broker has the bridge, since when, and why not; once for each."""
    async with shown(UDP) as (_, modem, browser):
        refused = Problem("the broker refused the connection", Kind.LOG_IN)
        for problem in (refused, refused, None, refused):
            await asyncio.sleep(10)
            modem.broker(problem)
        await asyncio.sleep(1)
        told = browser.documents("broker")
        assert [(each["connected"], each["kind"], each["words"]) for each in told] == [
            (False, "no_answer", "no answer yet"),
            (False, "log_in", "the broker refused the connection"),
            (True, None, None),
            (False, "log_in", "the broker refused the connection"),
        ]
        assert {each["modem"] for each in told} == {"shed"}
        assert told[0]["since"] == told[1]["since"] < told[2]["since"] < told[3]["since"]


@on_virtual_time
async def test_a_message_is_told_at_each_step() -> None:
    """Steps of one moment are one event; each is the whole summary."""
    async with shown(UDP) as (desk, modem, browser):
        await desk.bench.opened("udp")
        desk.send("udp", b"21.5", **named("m1"))
        await desk.final("udp", "m1")
        await asyncio.sleep(1)
        told = browser.documents("message")
        assert {each["n"] for each in told} == {1}
        assert [step["state"] for step in told[-1]["steps"]] == ["queued", "sending", "accepted"]
        assert told[-1]["topic"] == TOPICS.send("udp")
        assert modem.end_minute().sent == 1


@on_virtual_time
async def test_a_message_is_told_to_who_was_away() -> None:
    """As it is by now, and once; who comes anew asks for all of them."""
    async with shown(UDP, absent=100) as (desk, modem, browser):
        await desk.ask("send", socket="udp", data="x", id="m1")
        await asyncio.sleep(1)
        await modem.bridge.ask("outbox", b'{"action": "cancel", "id": "m1"}')
        await asyncio.sleep(1)
        assert [each["state"] for each in browser.documents("message")] == ["queued", "failed"]
        for last, states in (("r-0", ["failed"]), (None, [])):
            other = Browser(browser.feed, last=last)
            reading = asyncio.create_task(other.read())
            await asyncio.sleep(1)
            reading.cancel()
            assert other.of_topic(TOPICS.state)
            assert [each["state"] for each in other.documents("message")] == states


@on_virtual_time
async def test_a_flood_of_long_messages_cuts_nobody() -> None:
    """Who reads at once gets all of them."""
    async with shown(UDP) as (_, modem, browser):
        await asyncio.sleep(1)
        for number in range(5 * SLICE):
            modem.delivered("udp", b"%04d" % number * 256, "t")
        await asyncio.sleep(1)
        assert len(browser.documents("message")) == 5 * SLICE


@on_virtual_time
async def test_what_is_told_before_the_past_is_there() -> None:
    """It waits for that, and comes after it; at an end all is taken in."""
    modem = Shown("shed", Feed("r"), clock=virtual_clock, past=True)
    modem.delivered("udp", b"later", "t")
    await asyncio.sleep(1)
    modem.work_up_all()
    assert len(modem.messages) == 0
    past = Messages("shed", virtual_clock).delivered("udp", b"before", "t")
    modem.recall([past])
    await asyncio.sleep(1)
    modem.delivered("udp", b"last", "t")
    modem.work_up_all()
    assert [record.data async for record in modem.messages.find()] == [b"last", b"later", b"before"]
    modem.end()


@on_virtual_time
async def test_what_comes_from_the_network() -> None:
    """It is told with the topic that it is published to."""
    async with shown(UDP) as (desk, modem, browser):
        await desk.bench.opened("udp")
        desk.module.say("+CSONMI: 0,4,6869")
        await asyncio.sleep(1)
        modem.delivered("udp", b"hi", TOPICS.received("udp"))
        await asyncio.sleep(1)
        told = browser.documents("message")[-1]
        assert (told["direction"], told["text"], told["topic"]) == ("down", "hi", TOPICS.received("udp"))
        assert modem.end_minute().received >= 1


@on_virtual_time
async def test_a_message_that_is_cancelled_is_no_failure() -> None:
    """Whoever wanted it so need not be warned."""
    async with shown(UDP, absent=100) as (desk, modem, browser):
        await desk.ask("send", socket="udp", data="x", id="m1")
        await modem.bridge.ask("outbox", b'{"action": "cancel", "id": "m1"}')
        desk.send("nowhere", b"x", **named("m2"))
        await asyncio.sleep(1)
        told = {each["id"]: each for each in browser.documents("message")}
        assert told["m1"]["error"]["code"] == "cancelled"
        assert told["m2"]["error"]["code"] == "unknown_socket"
        assert modem.end_minute().failed == 1


@on_virtual_time
async def test_the_bring_up_is_told() -> None:
    """Each step with its time, as it is done."""
    async with shown(UDP) as (desk, modem, browser):
        await desk.bench.online()
        await asyncio.sleep(1)
        told = browser.documents("link")
        assert told[-1] == {"modem": "shed", **modem.bring_up.document()}
        assert all(step["seconds"] is not None for step in told[-1]["steps"])


@on_virtual_time
async def test_since_when_the_oldest_message_waits_is_told() -> None:
    """Once for each that is the oldest, whatever else changes meanwhile, and that none is any more."""
    async with shown() as (_, modem, browser):

        async def told(oldest: float | None) -> None:
            payload = json.dumps({"outbox": {"messages": 2, "oldest": oldest}}).encode()
            modem.published(Publication(topic="sim7020/shed/state", payload=payload, retain=True))
            await asyncio.sleep(60)

        await asyncio.sleep(60)
        taken = virtual_clock()
        await told(0.0)
        await told(60.3)
        await told(30.0)
        await told(None)
        state = Publication(topic="sim7020/shed/socket/shed/state", payload=b'{"phase": "open"}', retain=True)
        modem.published(state)
        await asyncio.sleep(1)
        waiting = browser.documents("waiting")
        later = taken + timedelta(seconds=90)
        assert waiting == [
            {"modem": "shed", "since": rfc3339(taken)},
            {"modem": "shed", "since": rfc3339(later)},
            {"modem": "shed", "since": None},
        ]


@on_virtual_time
async def test_the_dialogue_is_kept_and_told_to_nobody_who_does_not_ask() -> None:
    """Masked, as in the log; and whether or not the log has it."""
    async with shown(UDP) as (desk, modem, browser):
        await desk.bench.opened("udp")
        desk.send("udp", b"21.5", **named("m1"))
        await desk.final("udp", "m1")
        lines = [line.text for line in modem.dialogue]
        assert {"> AT+CSQ", "> AT+CIMI", "< OK"} <= set(lines)
        assert any("32312E35" in line for line in desk.module.heard)
        assert any("AT+CSOSEND" in line for line in lines)
        assert not any("32312E35" in line for line in lines)
        assert browser.documents("trace") == []


async def test_the_dialogue_as_it_happens() -> None:
    """Who asks for it is told each line with its meaning; the first ones wait until what explains them is loaded."""
    feed = Feed("r")
    modem, browser = Shown("shed", feed), Browser(feed, "trace")
    modem.begin(silent_bridge())
    reading = asyncio.create_task(browser.read())
    logs.current_modem.set("shed")
    trace = logging.getLogger("sim7020_bridge.trace")
    async with asyncio.timeout(60):
        while not any(told["words"] for told in browser.documents("trace")):
            trace.debug("> AT+CSQ")
            await asyncio.sleep(0.05)
    told = browser.documents("trace")
    assert [line["n"] - told[0]["n"] for line in told] == list(range(len(told)))
    assert {line["modem"] for line in told} == {"shed"}
    assert {line["line"] for line in told} == {"AT+CSQ"}
    assert all("signal" in line["words"] for line in told)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert not feed.wants("trace")
    count = len(told)
    trace.debug("> AT")
    modem.end()
    trace.debug("> AT")
    assert len(browser.documents("trace")) == count


async def test_a_modem_that_talks_faster_than_it_can_be_explained() -> None:
    """The last lines are told, and their numbers show how many were left out; an end waits for none of them."""
    feed = Feed("r")
    modem, browser = Shown("shed", feed), Browser(feed, "trace")
    modem.begin(silent_bridge())
    reading = asyncio.create_task(browser.read())
    logs.current_modem.set("shed")
    trace = logging.getLogger("sim7020_bridge.trace")
    last = 0
    await until(lambda: feed.wants("trace"))
    for count in (1, 5 * MOST):
        for number in range(count):
            trace.debug("< +FLOOD: %d", number)
        last += count
        await until(lambda: [line["n"] for line in browser.documents("trace")][-1:] == [last])  # noqa: B023
    assert [line["n"] for line in browser.documents("trace")] == [1, *range(last - MOST + 1, last + 1)]
    for number in range(5 * MOST):
        trace.debug("< +FLOOD: %d", number)
    modem.work_up_all()
    await asyncio.sleep(0.2)
    assert browser.documents("trace")[-1]["n"] == last
    modem.end()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


@on_virtual_time
async def test_what_comes_faster_than_it_is_worked_up_does_not_pile_up() -> None:
    """More of it is worked up at once, the more there is."""
    async with shown(UDP) as (_, modem, _):
        at_once, told = 5 * SLICE, 0

        async def newest() -> int:
            async for record in modem.messages.find():
                return int(record.data)
            return -1

        for _turn in range(5 * SHARE):
            for _each in range(at_once):
                modem.delivered("udp", b"%d" % told, "t")
                told += 1
            await asyncio.sleep(BETWEEN)
        assert told - await newest() <= 1.5 * SHARE * at_once
        await asyncio.sleep(10)
        assert await newest() == told - 1


@on_virtual_time
async def test_a_minute_is_told() -> None:
    """As it is kept."""
    async with shown(UDP) as (desk, modem, browser):
        await desk.bench.online()
        await asyncio.sleep(60)
        row = modem.end_minute()
        await asyncio.sleep(1)
        assert browser.documents("history") == [{"modem": "shed", "row": row.document()}]
        assert row.document()["layer"] in set(Layer)


@on_virtual_time
async def test_a_flood_is_worked_up_bit_by_bit() -> None:
    """However much comes at once, others have their turn in between."""
    async with shown(UDP) as (_, modem, browser):
        await asyncio.sleep(1)
        for number in range(5 * SLICE):
            modem.delivered("udp", b"%d" % number, "t")
        await asyncio.sleep(A_MOMENT + BETWEEN / 2)
        assert len(modem.messages) == SLICE
        await asyncio.sleep(1)
        assert len(modem.messages) == 5 * SLICE
        assert browser.documents("message")[-1]["text"] == str(5 * SLICE - 1)


@on_virtual_time
async def test_a_defect_of_the_page_costs_no_message() -> None:
    """Whoever tells does not notice, and what comes after it is shown."""
    async with shown(UDP) as (desk, modem, browser):
        loop = asyncio.get_running_loop()
        noticed: list[object] = []
        loop.set_exception_handler(lambda _loop, context: noticed.append(context["exception"]))
        modem.receipt({"not": "a receipt"}, None)
        for number in range(SLICE + 10):
            modem.delivered("udp", b"%d" % number, "t")
        await asyncio.sleep(1)
        assert [type(each) for each in noticed] == [KeyError]
        desk.send("udp", b"21.5", **named("m1"))
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        await asyncio.sleep(1)
        assert browser.documents("message")[-1]["id"] == "m1"
