"""The test kit's hostile worlds and its virtual time."""

import asyncio
import socket

import pytest

from tests import hostile
from tests.hostile import NOISE, URC, WORLDS, World, every_split, play, turns
from tests.transcript import Received, parse, wire
from tests.virtual_time import Deadlock, VirtualTimeLoop, run

HEADER = "# source: a test\n# what: a dialogue\n# fidelity: composed\n"
CSQ = b"\r\n+CSQ: 20,0\r\n\r\nOK\r\n"


@pytest.mark.parametrize("world", WORLDS.values(), ids=str)
class TestEveryWorld:
    """What holds in each hostile world."""

    def test_nothing_is_lost(self, world: World) -> None:
        """Each line of the answer arrives whole and in order, the final result last."""
        lines = [line.replace("+CSQ:20", "+CSQ: 20") for line in self._lines(world, [CSQ])]
        assert [line for line in lines if line in {"+CSQ: 20,0", "OK"}] == ["+CSQ: 20,0", "OK"]
        assert lines[-1] == "OK"

    def test_it_is_repeatable(self, world: World) -> None:
        """The same answer arrives in the same way each time, with no empty chunk."""
        chunks = world.play(b"AT+CSQ", [CSQ])
        assert chunks == world.play(b"AT+CSQ", [CSQ])
        assert all(chunks)

    def test_it_says_what_it_inserts(self, world: World) -> None:
        """URCs beyond the module's own are announced, and only where they are."""
        arrived = [line.replace(":4", ": 4") for line in self._lines(world, [CSQ])]
        assert tuple(line for line in arrived if line == URC) == world.inserted([CSQ])

    def test_counted_bytes_are_intact(self, world: World) -> None:
        """Raw bytes pass unchanged through every world that does not say otherwise."""
        payload = bytes(range(256)) + b"\r\n\r\n: \r\nO"
        arrived = b"".join(world.play(b"AT", [b"\r\n+CSORXGET: 2,0,264,0\r\n", payload, b"\r\n\r\nOK\r\n"]))
        assert world.changes_payload or (payload in arrived)

    def test_no_echo_of_nothing(self, world: World) -> None:
        """What the module says unasked has no echo before it."""
        arrived = b"".join(world.play(b"", [b"\r\nRDY\r\n"]))
        assert arrived.replace(NOISE, b"").replace(wire([Received(URC)]), b"").startswith(b"\r\n")

    @staticmethod
    def _lines(world: World, answer: list[bytes]) -> list[str]:
        arrived = b"".join(world.play(b"AT+CSQ", answer))
        return [line for line in arrived.decode("latin-1").split("\r\n") if line.strip("\r")]


class TestWorlds:
    """What each hostile world does."""

    def test_echo(self) -> None:
        """The echo is the command and its CR; the odd form has one CR LF more."""
        assert b"".join(WORLDS["echo"].play(b"AT", [CSQ])) == b"AT\r" + CSQ
        assert b"".join(WORLDS["echo and extra line end"].play(b"AT", [CSQ])) == b"AT\r\r\n" + CSQ

    def test_one_byte_at_a_time(self) -> None:
        """Each chunk is one byte."""
        chunks = WORLDS["as it is, one byte at a time"].play(b"AT", [CSQ])
        assert {len(chunk) for chunk in chunks} == {1}
        assert b"".join(chunks) == CSQ

    def test_glued(self) -> None:
        """All is one chunk."""
        assert WORLDS["echo, glued"].play(b"AT", [CSQ[:3], CSQ[3:]]) == [b"AT\r" + CSQ]

    def test_every_split(self) -> None:
        """Every position is cut once and no byte is lost."""
        splits = list(every_split(CSQ))
        assert len(splits) == len(CSQ) - 1
        assert {b"".join(split) for split in splits} == {CSQ}
        assert all(len(split) == 2 and all(split) for split in splits)

    def test_urc_places(self) -> None:
        """A URC stands whole before the answer, or between it and its final result."""
        urc = wire([Received(URC)])
        assert hostile.urc_first(CSQ) == urc + CSQ
        assert hostile.urc_before_final(CSQ) == b"\r\n+CSQ: 20,0\r\n" + urc + b"\r\nOK\r\n"
        assert hostile.urc_before_final(b"\r\n> ") == b"\r\n> "

    def test_line_forms(self) -> None:
        """Blanks after colons and line ends change, and nothing else."""
        assert hostile.no_blank_after_colon(b'\r\nSEND: 0,1\r\n+X: "a: b"\r\n') == b'\r\nSEND:0,1\r\n+X:"a: b"\r\n'
        assert hostile.doubled_line_ends(b"\r\nOK\r\n") == b"\r\n\r\nOK\r\n\r\n"
        assert hostile.single_line_ends(CSQ) == b"\r\n+CSQ: 20,0\r\nOK\r\n"

    def test_noise_is_what_a_line_has(self) -> None:
        """Noise has a NUL, a byte of ones and half a line that an end cuts off."""
        assert b"\x00" in NOISE
        assert b"\xff" in NOISE
        assert NOISE.endswith(b"+CSO\r\n")


class TestPlay:
    """A transcript as a module at the far end of a stream."""

    def test_turns(self) -> None:
        """Raw bytes are a turn of their own and events are left out."""
        text = HEADER + "# event: power on\n< RDY\n> AT+CSODSEND=0,1\n<! 3E20\n>! FF\n< DATA ACCEPT: 1\n"
        assert turns(parse(text, name="t")) == [
            (b"", False, [b"\r\nRDY\r\n"]),
            (b"AT+CSODSEND=0,1", True, [b"> "]),
            (b"\xff", False, [b"\r\nDATA ACCEPT: 1\r\n"]),
        ]

    @pytest.mark.parametrize("world", WORLDS.values(), ids=str)
    def test_through_a_socket(self, world: World) -> None:
        """A dialogue with CR LF after each command is answered over a real stream in each world."""
        assert run(self._talk(world, [b"AT\r\n", b"AT+CSQ\r\n"])) == b"".join(
            world.play(b"AT", [b"\r\nOK\r\n"]) + world.play(b"AT+CSQ", [b"\r\n+CSQ: 20,0\r\n", b"\r\nOK\r\n"])
        )

    def test_another_command(self) -> None:
        """A command that the transcript has not is an error that shows both."""
        with pytest.raises(hostile.UnexpectedCommand, match=r"expected b'AT', got b'ATI'"):
            run(self._talk(WORLDS["as it is"], [b"ATI\r"]))

    @staticmethod
    async def _talk(world: World, commands: list[bytes]) -> bytes:
        transcript = parse(HEADER + "> AT\n< OK\n> AT+CSQ\n< +CSQ: 20,0\n< OK\n", name="t")
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        far_reader, far_writer = await asyncio.open_connection(sock=there)
        try:
            writer.write(b"".join(commands))
            await play(transcript, world, reader=far_reader, writer=far_writer)
            far_writer.close()
            return await reader.read()
        finally:
            for end in (writer, far_writer):
                end.close()
                await end.wait_closed()


class TestVirtualTime:
    """tests/virtual_time.py."""

    def test_sleep_takes_no_time(self) -> None:
        """A day passes at once and the clock says so."""

        async def sleep() -> float:
            await asyncio.sleep(86_400)
            return asyncio.get_running_loop().time()

        assert run(sleep()) == pytest.approx(86_400)

    def test_timers_keep_their_order(self) -> None:
        """Timers fire at their own moments, whatever the order they were set in."""

        async def order() -> list[tuple[str, float]]:
            fired: list[tuple[str, float]] = []
            loop = asyncio.get_running_loop()

            async def after(delay: float, name: str) -> None:
                await asyncio.sleep(delay)
                fired.append((name, loop.time()))

            await asyncio.gather(after(30, "c"), after(0.5, "a"), after(5, "b"))
            return fired

        assert run(order()) == [("a", 0.5), ("b", 5.0), ("c", 30.0)]

    def test_a_deadline_passes(self) -> None:
        """A timeout ends a wait for what never comes, at its own time."""

        async def wait() -> float:
            loop = asyncio.get_running_loop()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await asyncio.Event().wait()
            return loop.time()

        assert run(wait()) == pytest.approx(60)

    def test_a_deadlock_is_an_error(self) -> None:
        """Waiting for what can't happen is told at once."""

        async def wait() -> None:
            await asyncio.sleep(7)
            await asyncio.Event().wait()

        with pytest.raises(Deadlock, match=r"at 7\.000 s of virtual time"):
            run(wait())

    def test_real_traffic_goes_before_timers(self) -> None:
        """Bytes through a real socket arrive before a deadline that virtual time would reach at once."""

        async def talk() -> tuple[bytes, float]:
            here, there = socket.socketpair()
            reader, writer = await asyncio.open_connection(sock=here)
            with there:
                there.sendall(b"x")
                async with asyncio.timeout(1):
                    got = await reader.readexactly(1)
            writer.close()
            await writer.wait_closed()
            return got, asyncio.get_running_loop().time()

        assert run(talk()) == (b"x", 0.0)

    def test_a_result_and_an_error_come_back(self) -> None:
        """The coroutine's own error is not changed."""

        async def fail() -> None:
            await asyncio.sleep(1)
            raise LookupError("gone")

        with pytest.raises(LookupError, match="gone"):
            run(fail())

    def test_the_clock_begins_at_zero(self) -> None:
        """Each loop has a clock of its own."""
        loop = VirtualTimeLoop()
        try:
            assert loop.time() == 0.0
        finally:
            loop.close()
