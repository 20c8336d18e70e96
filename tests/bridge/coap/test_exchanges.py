"""Messages to a CoAP server: what makes each end, what is repeated, and what of all that comes is let go of."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from sim7020_bridge.coap.endpoint import ANSWER_WITHIN, LIFETIME, REPEATS
from sim7020_bridge.coap.pause import PAUSES
from sim7020_bridge.coap.timeout import FLOORS
from sim7020_bridge.config.model import CoapSettings, PowerSavingSettings, WhenUnsure
from sim7020_bridge.delivery.router import TIMES_LOST
from tests.bridge.coap_server import CHANGED, COAP, Answer, saying, serving, silent
from tests.bridge.desk import TOPICS, Desk, change, named, staffed
from tests.bridge.modem.bench import now
from tests.bridge.scripted_module import on_virtual_time
from tests.coap_datagram import ACK, CON, MAX_AGE, NON, RST, URI_PATH, URI_QUERY, Seen, put_together


def received(desk: Desk) -> list[bytes]:
    """Return what was published of what came."""
    return [each.payload for each in desk.on(TOPICS.received("coap"))]


@on_virtual_time
async def test_acknowledged_once_the_server_has_it() -> None:
    """A message is a confirmable POST with payload and path, and ends once the server has said that it has it."""
    async with staffed(COAP) as desk, serving(desk) as server:
        desk.send("coap", b"21.5", **named("m1"))
        final = await desk.final("coap", "m1")
        assert desk.receipts("coap", "m1") == ["queued", "sending", "accepted", "acknowledged"]
        assert (final["bytes"], final["attempts"], final["error"]) == (4, 1, None)
        [post] = server.got
        assert (post.kind, post.code, post.payload) == (CON, (0, 2), b"21.5")
        assert post.options == ((URI_PATH, b"t"),)
        assert len(server.raw[0]) == len(b"21.5") + COAP.max_payload - COAP.room
        assert received(desk) == []


@on_virtual_time
async def test_path_and_query() -> None:
    """What the URL has behind the host goes with every message, however long its parts are."""
    resource = CoapSettings(("rd", "a" * 13, ""), ("ep=shed", "k" * 20))
    socket = replace(COAP, coap=resource, max_payload=100)
    async with staffed(socket) as desk, serving(desk) as server:
        assert socket.room == 100 - resource.overhead
        desk.send("coap", b"x" * socket.room, **named("m1"))
        desk.send("coap", b"x" * (socket.room + 1), **named("m2"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert (await desk.final("coap", "m2"))["error"]["code"] == "too_large"
        assert server.got[0].has(URI_PATH) == [b"rd", b"a" * 13, b""]
        assert server.got[0].has(URI_QUERY) == [b"ep=shed", b"k" * 20]
        assert len(server.raw[0]) == 100


def test_query_alone() -> None:
    """An option far behind the one before it takes a byte more."""
    assert CoapSettings((), ("a",)).overhead == 4 + 2 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("code", "words"), [((4, 4), "4.04 Not Found: no such thing"), ((4, 31), "4.31: no such thing")]
)
@on_virtual_time
async def test_declined(code: tuple[int, int], words: str) -> None:
    """What the server never takes fails at once, with its code in words; the next message goes all the same."""
    async with staffed(COAP) as desk, serving(desk, saying(code, b"no such\r thing")) as server:
        desk.send("coap", b"1", **named("m1"))
        desk.send("coap", b"2", **named("m2"))
        error = (await desk.final("coap", "m1"))["error"]
        assert (error["code"], error["message"]) == ("peer_refused", f"the server says {words}")
        assert (await desk.final("coap", "m2"))["state"] == "acknowledged"
        assert [seen.payload for seen in server.got] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("code", "age", "pause"),
    [
        ((5, 3), b"\x02\x58", 600),
        ((5, 3), None, 60),
        ((5, 3), b"\xff\xff", 3600),
        ((5, 3), b"", 10),
        ((4, 29), b"\x01", 10),
        ((4, 29), b"\x0f", 15),
    ],
)
@on_virtual_time
async def test_later(code: tuple[int, int], age: bytes | None, pause: int) -> None:
    """A server that can't take a message now is asked again when it said, with a message of another id."""
    options = () if age is None else ((MAX_AGE, age),)
    async with staffed(COAP) as desk, serving(desk, saying(code, b"", *options)) as server:
        desk.send("coap", b"1", **named("m1"))
        final = await desk.final("coap", "m1")
        assert (final["state"], final["attempts"]) == ("acknowledged", 2)
        assert pause <= server.at[1] - server.at[0] - 1 < pause + 2
        assert server.got[0].id != server.got[1].id


@on_virtual_time
async def test_a_server_that_always_fails() -> None:
    """A message at which the server fails each time is given up; one that it is too busy for is not."""
    async with staffed(COAP) as desk, serving(desk, *20 * [saying((5, 3))], then=saying((5, 0))) as server:
        desk.send("coap", b"1", **named("m1"))
        final = await desk.final("coap", "m1", within=1e6)
        assert (final["state"], final["error"]["code"]) == ("failed", "peer_failed")
        assert final["error"]["message"] == "the server says 5.00 Internal Server Error"
        assert len(server.got) == 20 + TIMES_LOST


@on_virtual_time
async def test_a_server_that_fails_is_not_a_silent_one() -> None:
    """What it does not answer after it has failed is repeated, for it has answered."""
    failing = saying((5, 0))
    async with staffed(COAP) as desk, serving(desk, failing, failing, silent, silent) as server:
        desk.send("coap", b"1", **named("m1"))
        final = await desk.final("coap", "m1")
        assert (final["state"], final["attempts"]) == ("acknowledged", 3)
        assert len(server.got) == 5


@on_virtual_time
async def test_the_same_datagram_again() -> None:
    """What is not acknowledged is repeated byte for byte, more slowly each time, and ends as soon as it is."""
    async with staffed(COAP) as desk, serving(desk, silent, silent, silent) as server:
        desk.send("coap", b"1", **named("m1"))
        desk.send("coap", b"2", **named("m2"))
        final = await desk.final("coap", "m1")
        assert (final["state"], final["attempts"]) == ("acknowledged", 1)
        await desk.final("coap", "m2")
        assert len(set(server.raw[:4])) == 1
        waits = [later - earlier for earlier, later in zip(server.at[:3], server.at[1:4], strict=True)]
        assert FLOORS[0] <= waits[0] < waits[1] < waits[2]
        assert [seen.payload for seen in server.got] == [b"1", b"1", b"1", b"1", b"2"]


@on_virtual_time
async def test_a_server_that_is_silent_for_long() -> None:
    """It costs less and less, each message goes on waiting, and the server knows it again while it can."""
    async with staffed(COAP) as desk, serving(desk, then=silent) as server:
        await desk.bench.until(lambda state: state.cell is not None)
        desk.send("coap", b"1", **named("m1"))
        await asyncio.sleep(86400)
        within = [seen.id for seen, at in zip(server.got, server.at, strict=True) if at < server.at[0] + LIFETIME - 1]
        assert len(within) > REPEATS + 1
        assert len(set(within)) == 1
        assert len({seen.id for seen in server.got}) > 1
        assert len(server.got) < 24 * 3
        assert desk.receipts("coap", "m1")[-1] in {"accepted", "sending"}
        server.then = CHANGED
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_nothing_is_repeated_that_the_server_may_have_forgotten() -> None:
    """However slow it has been: after that it would take the same datagram for another message."""

    def slow(seen: Seen) -> list[Answer]:
        return [(50.0, put_together(Seen(ACK, (2, 4), seen.id, seen.token, (), b"")))]

    async with staffed(COAP) as desk, serving(desk, then=slow) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.final("coap", "m1")
        server.then = silent
        before = len(server.got)
        desk.send("coap", b"2", **named("m2"))
        await asyncio.sleep(2 * LIFETIME)
        first = server.got[before]
        times = [at for seen, at in zip(server.got, server.at, strict=True) if seen.id == first.id]
        assert len(times) > 2
        assert times[-1] - times[0] < LIFETIME


@on_virtual_time
async def test_a_message_that_runs_out_meanwhile() -> None:
    """The time to live goes on while the server is silent."""
    async with staffed(COAP) as desk, serving(desk, then=silent):
        desk.send("coap", b"1", message_expiry=300, **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "expired"


@on_virtual_time
async def test_silence_where_nothing_may_go_twice() -> None:
    """With ``when_unsure: fail``, what the server may have is given up; what it said it has not is not."""
    socket = replace(COAP, when_unsure=WhenUnsure.FAIL)
    async with staffed(socket) as desk, serving(desk, saying((5, 3))) as server:
        desk.send("coap", b"1", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        server.then = silent
        desk.send("coap", b"2", **named("m2"))
        assert (await desk.final("coap", "m2"))["error"]["code"] == "unsure"


@on_virtual_time
async def test_a_late_acknowledgement() -> None:
    """What comes after the message was given up for now ends it, and it does not go again."""
    late: list[Answer] = []

    def much_later(seen: Seen) -> list[Answer]:
        late.append((400.0, put_together(Seen(ACK, (2, 4), seen.id, seen.token, (), b"late"))))
        return []

    async with staffed(COAP) as desk, serving(desk, then=much_later) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND", times=REPEATS + 1)
        await desk.outbox.queue.until_any()
        gone = len(server.got)
        server.say(late[0][1])
        server.say(late[0][1])
        assert (await desk.final("coap", "m1", within=5))["state"] == "acknowledged"
        assert len(server.got) == gone
        assert received(desk) == [b"late"]


def separately(kind: int) -> Callable[[Seen], list[Answer]]:
    """Make a server that acknowledges at once and answers later, by a message of its own, which comes twice."""

    def answer(seen: Seen) -> list[Answer]:
        if seen.code != (0, 2):
            return []
        later = put_together(Seen(kind, (2, 4), 7, seen.token, (), b"news"))
        return [(1.0, put_together(Seen(ACK, (0, 0), seen.id))), (90.0, later), (91.0, later)]

    return answer


@pytest.mark.parametrize("kind", [CON, NON])
@on_virtual_time
async def test_separate_answer(kind: int) -> None:
    """An answer may come later than the acknowledgement: nothing is repeated meanwhile, and it is taken once."""
    async with staffed(COAP) as desk, serving(desk, then=separately(kind)) as server:
        desk.send("coap", b"1", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert now() > 90
        await asyncio.sleep(10)
        assert received(desk) == [b"news"]
        assert len(server.posts) == 1
        own = [seen for seen in server.got if seen.code == (0, 0)]
        assert [(seen.kind, seen.id) for seen in own] == (2 * [(ACK, 7)] if kind == CON else [])


@on_virtual_time
async def test_separate_answer_whose_acknowledgement_is_lost() -> None:
    """An answer says that the request arrived, also where no acknowledgement does."""

    def answer(seen: Seen) -> list[Answer]:
        return [(1.0, put_together(Seen(CON, (2, 5), 9, seen.token, (), b"x")))] if seen.code == (0, 2) else []

    async with staffed(COAP) as desk, serving(desk, then=answer) as server:
        desk.send("coap", b"1", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        await asyncio.sleep(60)
        assert len(server.posts) == 1


@pytest.mark.parametrize("times", [1, 20])
@on_virtual_time
async def test_an_answer_that_never_follows(times: int) -> None:
    """A server that acknowledges, however often, and never answers, is asked again."""

    def only_acknowledges(seen: Seen) -> list[Answer]:
        return [(1.0 + 60 * time, put_together(Seen(ACK, (0, 0), seen.id))) for time in range(times)]

    async with staffed(COAP) as desk, serving(desk, only_acknowledges) as server:
        desk.send("coap", b"1", **named("m1"))
        final = await desk.final("coap", "m1")
        assert (final["state"], final["attempts"], len(server.got)) == ("acknowledged", 2, 2)
        assert server.at[1] - server.at[0] < ANSWER_WITHIN + PAUSES[0] + 5


@on_virtual_time
async def test_reset() -> None:
    """A server that knows nothing of CoAP exchanges just now is tried again, with another message."""

    def reset(seen: Seen) -> list[Answer]:
        return [(1.0, put_together(Seen(RST, (0, 0), seen.id)))]

    async with staffed(COAP) as desk, serving(desk, reset) as server:
        desk.send("coap", b"1", **named("m1"))
        final = await desk.final("coap", "m1")
        assert (final["state"], final["attempts"]) == ("acknowledged", 2)
        assert server.got[0].id != server.got[1].id


def foreign(seen: Seen) -> list[bytes]:
    """Return datagrams that are no answer to a request, nearly all of them close to one."""
    right = put_together(Seen(ACK, (2, 4), seen.id, seen.token))
    other = bytes([seen.token[0] ^ 1, *seen.token[1:]])
    return [
        b"",
        b"\x60",
        right[:3],
        right[:5],
        bytes([right[0] | 0x80, *right[1:]]),
        bytes([right[0] & 0xF0 | 9, *right[1:]]) + bytes(9),
        right + b"\xff",
        right + b"\xe0",
        right + b"\xf1\x00",
        put_together(Seen(ACK, (2, 4), seen.id ^ 1, seen.token)),
        put_together(Seen(ACK, (2, 4), seen.id, other)),
        put_together(Seen(ACK, (2, 4), seen.id)),
        put_together(Seen(RST, (0, 0), seen.id ^ 1)),
        put_together(Seen(ACK, (0, 0), seen.id)) + b"x",
        put_together(Seen(ACK, (0, 2), seen.id, seen.token)),
        put_together(Seen(ACK, (3, 1), seen.id, seen.token)),
        put_together(Seen(ACK, (7, 1), seen.id, seen.token)),
        put_together(Seen(ACK, (2, 4), seen.id, seen.token, ((9, b""),))),
        put_together(Seen(NON, (2, 4), seen.id, other)),
        put_together(Seen(NON, (0, 1), seen.id, seen.token)),
    ]


@on_virtual_time
async def test_foreign_and_spoilt_datagrams() -> None:
    """None of what is not the answer ends a message, is published or answered; the answer itself still counts."""

    def all_of_them(seen: Seen) -> list[Answer]:
        return [(0.1, data) for data in foreign(seen) if data]

    async with staffed(COAP) as desk, serving(desk, all_of_them, CHANGED) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.final("coap", "m1")
        assert len(server.got) == 2
        assert server.raw[0] == server.raw[1]
        assert received(desk) == []


@pytest.mark.parametrize(
    "data", [Seen(CON, (0, 0), 5), Seen(CON, (0, 1), 5, b"tt"), Seen(CON, (2, 5), 5, b"who?", (), b"x")]
)
@on_virtual_time
async def test_what_has_to_be_rejected(data: Seen) -> None:
    """A ping, a request and an answer to nothing are reset, and nothing comes of them; not more than a few at once."""
    async with staffed(COAP) as desk, serving(desk) as server:
        await desk.bench.opened("coap")
        server.say(put_together(data))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(0.1)
        assert [(seen.kind, seen.code, seen.id, seen.token) for seen in server.got] == [(RST, (0, 0), 5, b"")]
        assert received(desk) == []
        for number in range(500):
            server.say(put_together(replace(data, id=number)))
        await asyncio.sleep(60)
        desk.send("coap", b"1", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert len(server.got) <= 1 + 500 + 1


@on_virtual_time
async def test_what_may_get_lost() -> None:
    """A message that nobody has to confirm ends once the module took it; an answer is published if one comes."""
    socket = replace(COAP, coap=CoapSettings(("t",), confirmable=False))

    def answer(seen: Seen) -> list[Answer]:
        return [(5.0, put_together(Seen(NON, (2, 5), 77, seen.token, (), b"set=3")))]

    async with staffed(socket) as desk, serving(desk, then=answer) as server:
        for number in range(3):
            desk.send("coap", b"%d" % number, **named(f"m{number}"))
        for number in range(3):
            assert (await desk.final("coap", f"m{number}"))["state"] == "accepted"
        await asyncio.sleep(60)
        assert [(seen.kind, seen.payload) for seen in server.got] == [(NON, b"0"), (NON, b"1"), (NON, b"2")]
        assert received(desk) == 3 * [b"set=3"]


@on_virtual_time
async def test_an_answer_that_is_given_twice() -> None:
    """Of two answers to what nobody has to confirm, the first counts; a copy of it is acknowledged, and no news."""
    socket = replace(COAP, coap=CoapSettings(("t",), confirmable=False))

    def answer(seen: Seen) -> list[Answer]:
        if seen.code != (0, 2):
            return []
        several = [put_together(Seen(CON, (2, 5), number, seen.token, (), b"set=3")) for number in (7, 7, 8)]
        return [(1.0 + after, data) for after, data in enumerate(several)]

    async with staffed(socket) as desk, serving(desk, then=answer) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND", times=4)
        await asyncio.sleep(1)
        assert received(desk) == [b"set=3"]
        assert [(seen.kind, seen.id) for seen in server.got[1:]] == [(ACK, 7), (ACK, 7), (RST, 8)]


@on_virtual_time
async def test_an_answer_with_more_than_fits() -> None:
    """The first block of a longer answer says that the server has the message; half an answer is not published."""
    async with staffed(COAP) as desk, serving(desk, saying((2, 4), b"half", (23, b"\x0e"))):
        desk.send("coap", b"1", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert received(desk) == []


@on_virtual_time
async def test_release_assistance_expects_one_answer() -> None:
    """The network is told that one answer comes, and of what is not confirmed that nothing does."""
    saving = PowerSavingSettings(release_assistance=True)
    async with staffed(COAP, power_saving=saving) as desk, serving(desk, then=CHANGED):
        desk.send("coap", b"1", **named("m1"))
        await desk.final("coap", "m1")
        assert [line for line in desk.module.heard if "RAI=" in line] == ["AT+CNBIOTRAI=2"]
    lax = replace(COAP, coap=CoapSettings(("t",), confirmable=False))
    async with staffed(lax, power_saving=saving) as desk, serving(desk, then=silent):
        desk.send("coap", b"1", **named("m1"))
        await desk.final("coap", "m1")
        assert [line for line in desk.module.heard if "RAI=" in line] == ["AT+CNBIOTRAI=1"]


@on_virtual_time
async def test_an_interrupted_exchange_goes_on_as_it_was() -> None:
    """What the port's loss interrupts is repeated as the same datagram, so that the server takes it once."""
    async with staffed(COAP) as desk, serving(desk, silent) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        desk.module.unplug()
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert len(server.got) >= 2
        assert len(set(server.raw)) == 1


@on_virtual_time
async def test_messages_go_one_after_the_other() -> None:
    """The next message goes once the one before has ended, also a more urgent one."""
    async with staffed(COAP) as desk, serving(desk, silent) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        desk.send("coap", b"2", **named("m2"))
        desk.send("coap", b"3", **named("m3", priority="critical"))
        await desk.final("coap", "m2")
        assert [seen.payload for seen in server.got] == [b"1", b"1", b"3", b"2"]
        assert len({seen.id for seen in server.got}) == len({seen.token for seen in server.got}) == 3


@on_virtual_time
async def test_a_socket_that_goes_and_comes() -> None:
    """A message under way over a socket that is taken away fails with it; one that comes again serves as before."""
    async with staffed(COAP) as desk, serving(desk, then=silent) as server:
        desk.send("coap", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await change(desk)
        assert (await desk.final("coap", "m1"))["error"]["code"] == "unknown_socket"
        await change(desk, replace(COAP, coap=CoapSettings(("u",))))
        server.then = CHANGED
        desk.send("coap", b"2", **named("m2"))
        assert (await desk.final("coap", "m2"))["state"] == "acknowledged"
        assert server.got[-1].has(URI_PATH) == [b"u"]
