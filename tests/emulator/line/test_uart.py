"""The serial line takes the time that its rate says."""

import asyncio

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.line.uart import PacedLine, Uart
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.virtual_time import run


@pytest.mark.parametrize("rate", [300, 9600, 115200, 921600, 3000000])
def test_pacing_is_exact_in_the_mean(rate: int) -> None:
    """A thousand bytes take a thousand times ten bit times, however they are pushed."""

    async def play() -> float:
        loop = asyncio.get_running_loop()
        out = bytearray()
        done = asyncio.Event()
        line = PacedLine(rate, out.extend, done.set)
        start = loop.time()
        for piece in (b"a" * 1, b"b" * 699, b"c" * 300):
            line.push(piece)
        await done.wait()
        assert bytes(out) == b"a" + b"b" * 699 + b"c" * 300
        return loop.time() - start

    assert run(play()) == pytest.approx(10_000 / rate, rel=0.01)


def test_pieces_are_small_but_not_bytes() -> None:
    """At high rates bytes travel in pieces of a few milliseconds."""

    async def play() -> list[int]:
        pieces: list[int] = []
        done = asyncio.Event()
        line = PacedLine(115200, lambda data: pieces.append(len(data)), done.set)
        line.push(bytes(1000))
        await done.wait()
        return pieces

    sizes = run(play())
    assert sum(sizes) == 1000
    assert max(sizes) <= 115200 / 10 * 0.005
    assert len(sizes) < 50


def test_unpaced_line_is_immediate() -> None:
    """Rate 0 passes bytes on within the call."""
    out = bytearray()
    PacedLine(0, out.extend).push(b"now")
    assert out == b"now"


def test_rate_changes_after_what_was_pushed() -> None:
    """+IPR's result still travels at the old rate."""

    async def play() -> float:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        line = PacedLine(1000, lambda _: None, done.set)
        line.push(bytes(100))
        line.change_rate(10000)
        line.push(bytes(100))
        await done.wait()
        assert line.rate == 10000
        return loop.time()

    assert run(play()) == pytest.approx(1.0 + 0.1, rel=0.01)


def test_command_takes_the_lines_time() -> None:
    """A command and its answer take their bits' time both ways at speed 0."""

    async def play() -> float:
        loop = asyncio.get_running_loop()
        async with Bench(Setup(baud=9600, speed=0)) as bench:
            start = loop.time()
            answer = await bench.command("AT+CGMR")
            return (loop.time() - start) / ((len("AT+CGMR") + 1 + len(answer)) * 10 / 9600)

    assert run(play()) == pytest.approx(1.0, rel=0.05)


def test_ipr_changes_the_lines_rate() -> None:
    """After +IPR the line runs at the new rate, and the setting survives a reset."""

    async def play() -> None:
        async with Bench(Setup(baud=9600, speed=0)) as bench:
            await bench.ask("AT+IPR=115200")
            await asyncio.sleep(1)
            assert bench.emulator.uart.rate == 115200
            assert await bench.ask("AT+IPR?") == ["+IPR: 115200", "OK"]

    run(play())


async def test_what_is_said_to_nobody_is_lost() -> None:
    """Without a host the UART's bytes go nowhere."""
    heard = bytearray()
    uart = Uart(0)
    uart.write(b"lost")
    uart.plug_in(heard.extend)
    uart.write(b"heard")
    uart.unplug()
    uart.write(b"lost")
    assert heard == b"heard"


def test_a_slow_line_holds_the_network_back() -> None:
    """A TCP stream faster than the serial line waits in the network; nothing is lost and little is queued."""

    async def play() -> None:
        peer = await Peer("tcp").open()
        async with Bench(Setup(baud=115200, speed=0)) as bench:
            await bench.ask("AT+CSOC=1,1,1")
            await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1")
            await peer.send(bytes(24_000))
            got = most = 0
            while got < 24_000:
                _, digits, data = (await bench.line()).split(",")
                assert int(digits) == len(data)
                got += len(data) // 2
                most = max(most, bench.emulator.uart.unsent)
            assert most < 20_000
        peer.close()

    run(play())
