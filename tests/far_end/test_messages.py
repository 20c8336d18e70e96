"""From a modem to the broker and back: answered once the broker has it, once, over restarts of either."""

import asyncio
import itertools
import shutil
from pathlib import Path

import pytest

from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_far_end import broker, modem, records, server
from tests.e2e.servers import until
from tests.far_end.sealed_client import BLOCK1, ECHO, MAX_AGE, NON, POST, Said
from tests.far_end.world import Line, a_world

CHANGED, UNAUTHORIZED, UNAVAILABLE = (2, 4), (4, 1), (5, 3)
BASE = 10**9


async def test_a_message_is_published_and_then_answered(tmp_path: Path) -> None:
    """The first request of a key has to show that it is new; from then on there is one answer to each message."""
    async with a_world(tmp_path) as world:
        said = await world.said(world.client.post(b"early", "t"))
        assert said.code == UNAUTHORIZED
        assert world.received() == []
        said = await world.said(world.client.post(b"early", "t", echo=said.options[ECHO]))
        assert (said.code, said.options, said.payload) == (CHANGED, {}, b"")
        assert await world.published(1) == [b"early"]
        assert (await world.said(world.client.post(b"\x00late", "a", "b"))).code == CHANGED
        assert await world.published(1, "a/b") == [b"\x00late"]
        state = await world.peer.now("far-end/shed/state", lambda heard: heard.json()["last_heard"] is not None)
        assert state.retain
        assert state.json()["waiting"] == 0
        assert state.json()["address"].startswith("127.0.0.1:")


async def test_a_repeated_datagram_is_answered_with_the_same(tmp_path: Path) -> None:
    """As often as it comes it is published once; from another address it is nobody's."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        request = world.client.post(b"1")
        world.line.send(request.datagram)
        answer = await world.line.answered()
        for _ in range(3):
            world.line.send(request.datagram)
            assert await world.line.answered() == answer
        other = Line()
        await other.open(world.port)
        other.send(request.datagram)
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]
        assert other.came.empty()
        other.close()


async def test_a_message_id_that_comes_again_is_another_message(tmp_path: Path) -> None:
    """There are 65,536 of them; only the same datagram is the same message."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        world.client.ids = itertools.repeat(7)  # type: ignore[assignment]
        assert [(await world.post(b"%d" % number)).code for number in (1, 2)] == [CHANGED, CHANGED]
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_what_is_remembered_of_answers_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in time: what is forgotten is not answered again, and not published again."""
    monkeypatch.setattr(server, "REMEMBERED", 4)
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        requests = [world.client.post(b"%d" % number) for number in range(1, 8)]
        for request in requests:
            await world.said(request)
        assert len(world.far_end._server._answered["shed"]) == 4
        world.line.send(requests[0].datagram)
        await world.settled()
        assert world.line.came.empty()
        await world.said(requests[-1])
        monkeypatch.setattr(server, "LIFETIME", 0.0)
        late = world.client.post(b"8")
        await world.said(late)
        world.line.send(late.datagram)
        await world.settled()
        assert world.line.came.empty()
        await world.post(b"9")
        assert await world.published(10) == [b"%d" % number for number in range(10)]


async def test_a_message_that_is_sealed_anew_is_published_once(tmp_path: Path) -> None:
    """By the number of its first sealing it is known over restarts of both ends."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        request = world.client.post(b"1")
        assert (await world.said(request)).code == CHANGED
        assert (await world.said(world.client.post(b"1", first=request.number))).code == CHANGED
        await world.stop()
        await world.start()
        assert (await world.said(world.client.post(b"1", first=request.number))).code == CHANGED
        await world.online()
        assert (await world.post(b"2")).code == CHANGED
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_a_message_that_was_never_got_is_published_under_its_second_seal(tmp_path: Path) -> None:
    """What it says of its first sealing must not keep it out; its first datagram, late, is no second message."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        lost = world.client.post(b"1")
        assert (await world.said(world.client.post(b"1", first=lost.number))).code == CHANGED
        assert (await world.said(lost)).code == CHANGED
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]
        assert not world.peer.all("far-end/shed/event")


async def test_the_window_outlives_a_restart(tmp_path: Path) -> None:
    """After it, an old datagram is published no more, and a new one needs no proof."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        request = world.client.post(b"1")
        await world.said(request)
        await world.stop()
        await world.start()
        await world.online()
        assert (await world.said(request)).code == CHANGED
        assert (await world.said(world.client.post(b"2"))).code == CHANGED
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_a_file_that_a_backup_gave_back_is_not_trusted(tmp_path: Path) -> None:
    """What it says of numbers is old: each modem has to show once that it is no recording."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        await world.stop()
        file = tmp_path / "state" / "far-end.sqlite"
        backup = tmp_path / "backup"
        shutil.copy(file, backup)
        await world.start()
        await world.online()
        recorded = world.client.post(b"1")
        assert (await world.said(recorded)).code == CHANGED
        await world.stop()
        shutil.copy(backup, file.with_name("new"))
        file.with_name("new").replace(file)
        await world.start()
        await world.online()
        # under a number of its own, for under the recording's there is an answer already
        world.line.send(recorded.datagram)
        answer = await world.line.answered()
        assert answer[0] & 0x0F == 2
        assert world.client.open(answer, recorded).code == UNAUTHORIZED
        assert (await world.post(b"2")).code == CHANGED
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_numbers_that_overtake_each_other_are_taken_within_the_window(tmp_path: Path) -> None:
    """One that is too far behind is not."""
    async with a_world(tmp_path) as world:
        world.client.numbers = itertools.count(BASE + 1000)
        await world.post(b"0")
        world.client.numbers = itertools.count(BASE + 1001 + records.WINDOW)
        await world.post(b"1")
        world.client.numbers = itertools.count(BASE + 1002)
        assert (await world.said(world.client.post(b"2"))).code == CHANGED
        world.client.numbers = itertools.count(BASE + 999)
        world.line.send(world.client.post(b"too old").datagram)
        world.client.numbers = itertools.count(BASE + 1002 + records.WINDOW)
        await world.post(b"3")
        assert await world.published(4) == [b"0", b"1", b"2", b"3"]


async def test_without_its_broker_the_modem_is_told_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and sealed; the message is published once the broker is there, under another number."""
    monkeypatch.setattr(modem, "PATIENCE", 1e6)
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        await world.broker.kill()
        await until(lambda: not world.is_connected)
        since = len(world.peer.heard)
        request = world.client.post(b"1")
        said = await world.said(request)
        assert (said.code, said.number(MAX_AGE)) == (UNAVAILABLE, modem.COME_AGAIN)
        await world.broker.start()
        # the broker forgot everything: who listens, and what is retained
        await world.peer.message("far-end/availability", since=since)
        assert (await world.said(world.client.post(b"1", first=request.number))).code == CHANGED
        await world.peer.message("far-end/shed/received/t", lambda heard: heard.payload == b"1")
        await world.peer.message("far-end/shed/state", since=since)


async def test_a_broker_that_is_slow_is_not_asked_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it acknowledges after the modem was told to come again is known when the modem does, over a restart too."""
    monkeypatch.setattr(modem, "PATIENCE", 0.05)
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        held: list[asyncio.Future[None]] = []
        publish = world.far_end._broker.publish

        def slowly(topic: str, payload: bytes) -> "asyncio.Future[None]":
            published = publish(topic, payload)
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            published.add_done_callback(lambda _: held.append(told))
            return told

        monkeypatch.setattr(world.far_end._broker, "publish", slowly)
        request = world.client.post(b"1")
        assert (await world.said(request)).code == UNAVAILABLE
        again = world.client.post(b"1", first=request.number)
        assert (await world.said(again)).code == UNAVAILABLE
        await until(lambda: len(held) == 1)
        held[0].set_result(None)
        await until(lambda: not world.far_end._modems["shed"]._publishing)
        await world.stop()
        await world.start()
        await world.online()
        assert (await world.said(world.client.post(b"1", first=request.number))).code == CHANGED
        await world.post(b"2", first=request.number)
        assert await world.published(2) == [b"0", b"1"]


async def test_what_can_t_be_kept_is_not_answered(tmp_path: Path) -> None:
    """A disk that fails costs no message: the modem repeats it until it is done."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")

        def full(*_: object) -> None:
            raise StorageFailed(tmp_path, "no room is left")

        failing = pytest.MonkeyPatch()
        failing.setattr(records, "settle", full)
        request = world.client.post(b"1")
        world.line.send(request.datagram)
        await world.published(2)
        failing.undo()
        assert (await world.said(request)).code == CHANGED
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"code": 1}, (4, 5)),
        ({"code": 3}, (4, 5)),
        ({"more": ((BLOCK1, b"\x08"),)}, (4, 13)),
        ({"more": ((9999, b""),)}, (4, 2)),
        ({"path": "a/b"}, (4, 4)),
        ({"path": "+"}, (4, 4)),
    ],
    ids=["get", "put", "block", "critical option", "slash in a segment", "wildcard"],
)
async def test_what_is_no_message_is_said_so(
    tmp_path: Path, request_: dict[str, object], code: tuple[int, int]
) -> None:
    """Sealed, and nothing is published."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        path = str(request_.pop("path", "t"))
        said: Said = await world.post(b"1", path, **{"code": POST, **request_})
        assert said.code == code
        assert await world.published(1) == [b"0"]


async def test_a_batch_is_published_once_all_of_it_is() -> None:
    """Of one that the broker never takes, why."""
    parts: list[asyncio.Future[PayloadRefused | None]] = [asyncio.Future() for _ in range(3)]
    told = modem._all_told(parts)
    parts[2].set_result(None)
    parts[0].set_result(PayloadRefused("too_large", "it is too large"))
    await asyncio.sleep(0)
    assert not told.done()
    parts[1].set_result(None)
    assert (await told) is parts[0].result()


async def test_a_batch_is_published_message_by_message(tmp_path: Path) -> None:
    """By itself each, in order, and once."""
    async with a_world(tmp_path, modem="    paths: {t: {payload: cbor, batch: length}}\n") as world:
        await world.post(b"\x00\x01\x00")
        request = world.client.post(b"\x00\x01\x01\x00\x03\x82\x02\x03")
        assert (await world.said(request)).code == CHANGED
        assert (await world.post(b"\x00\x01\x01\x00\x03\x82\x02\x03", first=request.number)).code == CHANGED
        await world.post(b"\x00\x01\x04")
        assert await world.published(4) == [b"0", b"1", b"[2,3]", b"4"]


async def test_all_addresses_are_both_families(tmp_path: Path) -> None:
    """What comes over IPv4 is answered, and has the address that people know."""
    async with a_world(tmp_path, start=False) as world:
        world.file.write_text(
            world.file.read_text().replace("listen: 127.0.0.1:", "listen: '[::]:").replace("\nstate", "'\nstate")
        )
        await world.start()
        await world.online()
        assert (await world.post(b"0")).code == CHANGED
        state = await world.peer.now("far-end/shed/state", lambda heard: heard.json()["last_heard"] is not None)
        assert state.json()["address"].startswith("127.0.0.1:")


async def test_what_need_not_be_confirmed_is_not_answered(tmp_path: Path) -> None:
    """It costs no datagram down, unless a command waits for the modem."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        world.line.send(world.client.post(b"1", kind=NON).datagram)
        assert await world.published(2) == [b"0", b"1"]
        await world.peer.publish("far-end/shed/send", b"turn")
        await world.peer.now("far-end/shed/state", lambda heard: heard.json()["waiting"] == 1)
        said = await world.said(world.client.post(b"2", kind=NON))
        assert (said.kind, said.code, said.payload) == (NON, CHANGED, b"turn")


async def test_an_answer_that_a_kill_kept_back(tmp_path: Path) -> None:
    """What was done before a restart is answered when it comes again as it was, once, and is not published again."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        request = world.client.post(b"1")
        await world.said(request)
        await world.stop()
        await world.start()
        await world.online()
        said = await world.said(request)
        assert (said.code, said.options, said.payload) == (CHANGED, {}, b"")
        again = bytearray(request.datagram)
        again[2:4] = b"\xff\xff"
        world.line.send(bytes(again))
        await world.settled()
        assert world.line.came.empty()
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_a_refusal_that_a_kill_kept_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not done before a restart is to come again, sealed anew, which says that it is the same message."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        with monkeypatch.context() as away:
            away.setattr(broker.Broker, "is_there", False)
            request = world.client.post(b"1")
            assert (await world.said(request)).code == UNAVAILABLE
        await world.stop()
        await world.start()
        await world.online()
        said = await world.said(request)
        assert (said.code, said.number(MAX_AGE)) == (UNAVAILABLE, modem.COME_AGAIN)
        assert (await world.post(b"1", first=request.number)).code == CHANGED
        assert await world.published(2) == [b"0", b"1"]
