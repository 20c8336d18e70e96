"""Commands: on disk until the modem says that it has them, one with each answer, in order."""

from pathlib import Path

import pytest

from sim7020_bridge.errors import StorageFailed
from sim7020_far_end import modem, records
from tests.e2e.servers import until
from tests.far_end.sealed_client import COMMAND
from tests.far_end.world import World, a_world

CHANGED = (2, 4)


async def waiting(world: World, count: int) -> None:
    """Return once so many commands wait."""
    await world.peer.now("far-end/shed/state", lambda heard: bool(heard.json()["waiting"] == count))


async def test_a_command_comes_with_the_next_answer_until_the_modem_has_it(tmp_path: Path) -> None:
    """In the order in which they were given, over a restart of the far end."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        await world.peer.publish("far-end/shed/send", b"one")
        await world.peer.publish("far-end/shed/send", b"two")
        await waiting(world, 2)
        said = await world.post(b"1")
        first = said.number(COMMAND)
        assert (said.code, said.payload) == (CHANGED, b"one")
        assert first
        await world.stop()
        await world.start()
        await world.online()
        said = await world.post(b"2")
        assert (said.number(COMMAND), said.payload) == (first, b"one")
        said = await world.post(b"3", command=first)
        assert (said.number(COMMAND), said.payload) == (first + 1, b"two")
        assert (await world.event("command_delivered")).json()["number"] == first
        said = await world.post(b"4", command=first + 1)
        assert (said.number(COMMAND), said.payload) == (None, b"")
        await waiting(world, 0)


async def test_a_modem_that_has_more_than_was_ever_given_gets_higher_numbers(tmp_path: Path) -> None:
    """A far end whose file is an old one gives no number that the modem takes for one it has."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        await world.peer.publish("far-end/shed/send", b"one")
        await waiting(world, 1)
        most = 2**39
        said = await world.post(b"1", command=most)
        assert said.payload == b"one"
        assert (said.number(COMMAND) or 0) > most
        assert (await world.post(b"2", command=said.number(COMMAND))).payload == b""


async def test_a_new_far_end_s_numbers_are_higher_than_the_last_one_s(tmp_path: Path) -> None:
    """They begin at the clock, and grow by one for each command."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    numbers = []
    for name in ("a", "b"):
        async with a_world(tmp_path / name) as world:
            await world.post(b"0")
            await world.peer.publish("far-end/shed/send", b"one")
            await waiting(world, 1)
            numbers.append((await world.post(b"1")).number(COMMAND) or 0)
    assert 2024 + numbers[0] / (365.2425 * 86400) > 2025
    assert numbers[1] >= numbers[0]


async def test_a_command_that_is_not_on_disk_is_the_broker_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is acknowledged once it is kept, so what a full disk did not take comes again with the next connection."""
    tried: list[object] = []

    def full(*_: object) -> None:
        tried.append(_)
        raise StorageFailed(tmp_path, "no room is left")

    async with a_world(tmp_path) as world:
        await world.post(b"0")
        with monkeypatch.context() as failing:
            failing.setattr(records, "add", full)
            await world.peer.publish("far-end/shed/send", b"one")
            await world.peer.publish("far-end/shed/send", b"two")
            await until(lambda: len(tried) == 2)
        await world.stop()
        await world.start()
        await world.online()
        await waiting(world, 2)
        said = await world.post(b"2")
        assert said.payload == b"one"
        assert (await world.post(b"3", command=said.number(COMMAND))).payload == b"two"


@pytest.mark.parametrize(("payload", "code"), [(b"x" * (modem.LONGEST_COMMAND + 1), "too_large"), (b"y", "full")])
async def test_a_command_that_can_t_be_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes, code: str
) -> None:
    """It is an event, with the reason."""
    async with a_world(tmp_path) as world:
        monkeypatch.setattr(records, "MOST_COMMANDS", 1)
        await world.peer.publish("far-end/shed/send", b"x")
        await waiting(world, 1)
        await world.peer.publish("far-end/shed/send", payload)
        assert (await world.event("command_refused")).json()["code"] == code


async def test_a_retained_command_and_one_for_nobody_are_dropped(tmp_path: Path) -> None:
    """Neither keeps what follows from being taken."""
    async with a_world(tmp_path) as world:
        await world.peer.publish("far-end/shed/send", b"again and again", retain=True)
        await world.peer.publish("far-end/barn/send", b"nobody")
        await world.peer.publish("far-end/shed/send", b"one")
        await waiting(world, 1)
        await world.post(b"0")
        assert (await world.post(b"1")).payload == b"one"


async def test_a_command_to_a_path_of_cbor_is_cbor(tmp_path: Path) -> None:
    """The bridge makes JSON of it again; what is no JSON goes as it is."""
    async with a_world(tmp_path, modem="    paths: {t: {payload: cbor}}\n") as world:
        await world.post(b"\x01")
        await world.peer.publish("far-end/shed/send", b'{"on":true}')
        await world.peer.publish("far-end/shed/send", b"\xff\x00")
        await waiting(world, 2)
        said = await world.post(b"\x01")
        assert said.payload == bytes.fromhex("a1626f6ef5")
        said = await world.post(b"\x01", command=said.number(COMMAND))
        assert said.payload == b"\xff\x00"
