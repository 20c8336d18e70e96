"""Checks of what the network and the sockets carry."""

import asyncio
import re
from typing import Final

from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.sockets import (
    SOCKETS,
    ConnectSocket,
    ReadAcknowledged,
    ReportAcknowledgements,
    SendData,
    SetKeepAlive,
    SetPullReceive,
    SocketId,
)
from sim7020_bridge.errors import CommandRefused
from sim7020_bridge.kit.accept.bench import Amiss, Bench, Said, Typed, is_address
from sim7020_bridge.kit.probe.finding import Status

_PINGS: Final = 4
_BACK: Final = 30.0
"""Seconds for an echo, over a radio connection that may have to be made."""
_AT_ONCE: Final = 2.0
"""Seconds for a line that comes with another or not at all."""
_NOBODY: Final = 1
"""A port where nobody listens, as a rule."""
_LISTENING: Final = 47020
_MADE: Final = r"\+CSOC: ?(\d)"
_FEW: Final = b"0123456789"


async def dns(bench: Bench) -> str:
    """Whether the addresses come before the OK or after it."""
    if is_address(bench.host):
        raise Amiss("an address was given", Status.SKIPPED)
    bench.ear.forget()
    address = await bench.resolve(bench.host)
    bench.answer("dns", "sync" if re.search(r"\+CDNSGIP:[^\n]*\n\s*OK\r", bench.ear.text) else "urc")
    return f"{bench.host} is {address}"


async def ping(bench: Bench) -> str:
    """Whether pings come back."""
    replies = await bench.module.ping(bench.host, _PINGS)
    came = [reply.time_ms for reply in replies if not reply.lost]
    words = f"{len(came)} of {_PINGS} came back"
    if not came:
        raise Amiss(f"{words}; many operators drop pings", Status.WARNING)
    return f"{words}, after {min(came)} to {max(came)} ms"


async def create(bench: Bench) -> str:
    """Which sockets can be made, and how they are listed."""
    async with bench.socket(stream=False) as number:
        listed = (await bench.ask("AT+CSOC?")).has(rf"\+CSOC: ?{number}(,\d)?")
        bench.answer("csoc_read", listed and ("full" if listed[1] else "id"))
    for form, variant, yes, no in (
        ("AT+CSOC=1,2,3", "csoc_protocols", "3", "2"),
        ("AT+CSOC=1,2,1,1", "csoc_cid", "accepted", "refused"),
    ):
        said = await bench.ask(form)
        bench.answer(variant, said.verdict(yes, no))
        if made_one := said.has(_MADE):
            await bench.close(int(made_one[1]))
    async with bench.socket(stream=True) as number:
        if (await bench.ask(f"AT+CSOB={number},{_LISTENING}")).ok:
            said = await bench.ask(f"AT+CSOLIS={number}")
            # one that can't listen because of something else says why
            failed = await bench.ear.hears(r"\+CSOERR", _AT_ONCE) if said.refused else None
            bench.answer("server", said.verdict("yes", "no") if failed is None else "yes")
    made: list[SocketId] = []
    try:
        while len(made) <= SOCKETS and (found := (await bench.ask("AT+CSOC=1,2,1")).has(_MADE)):
            made.append(SocketId(int(found[1])))
    finally:
        for socket in made:
            await bench.close(socket)
    if len(made) != SOCKETS:
        raise Amiss(f"it made {len(made)} sockets at a time, not {SOCKETS}", Status.WARNING)
    return f"{SOCKETS} at a time"


async def udp(bench: Bench) -> str:
    """The largest datagram, and its way back."""
    largest = bytes(range(256)) * 2
    async with bench.connected(stream=False) as number:
        try:
            words = await _there_and_back(bench, number, largest)
        except CommandRefused:
            words = await _there_and_back(bench, number, largest[:256])
            bench.answer("csosend_max", "256")
        else:
            bench.answer("csosend_max", "512")
        return words


async def pull(bench: Bench) -> str:
    """What the numbers of +CSORXGET count."""
    async with bench.kept("+CSORXGET"):
        await bench.module.execute(SetPullReceive(enabled=True))
        async with bench.connected(stream=False) as number:
            await bench.module.execute(SendData(number, _FEW))
            if await bench.ear.hears(rf"\+CSORXGET: ?1,{number}", _BACK) is None:
                raise Amiss(f"nothing was announced within {_BACK:g} s", Status.WARNING)
            counts = (await bench.ask(f"AT+CSORXGET=3,{number},4")).has(rf"\+CSORXGET: ?3,{number},4,(\d+)")
    if counts is None:
        raise Amiss("+CSORXGET=3 can't be read")
    bench.answer("csorxget_counts", {6: "returned", 4: "requested"}.get(int(counts[1])))
    return ""


async def data(bench: Bench) -> str:
    """The most that data mode takes, and what ends it."""
    async with bench.connected(stream=False) as number:
        for size, most in ((769, "unlimited"), (513, "768"), (len(_FEW), "512")):
            try:
                await bench.module.execute(Typed(f"AT+CSODSEND={number},{size}", 10.0, Outcome.PROMPT))
            except CommandRefused:
                continue
            bench.ear.forget()
            bench.ear.write(b"0" * size)
            if await bench.ear.hears(rf"DATA ACCEPT: ?{size}\r\n", _BACK) is not None:
                bench.answer("csodsend_max", most)
                accepted = await bench.ear.hears(r"DATA ACCEPT: ?\d+\r\n\s*OK\r\n", _AT_ONCE)
                bench.answer("extra_ok", "no" if accepted is None else "yes")
                return f"{size} bytes taken"
            if bench.ear.text == "":
                break
    raise Amiss("data mode takes nothing", Status.WARNING)


async def tcp(bench: Bench) -> str:
    """A connection, whether it can be kept alive, and what is sent through it and back."""
    async with bench.connected(stream=True) as number:
        kept = await bench.module.try_setting(SetKeepAlive(number, 7200, 75, 9))
        words = await _there_and_back(bench, number, _FEW)
        return words if kept else f"{words}; +CSOALIVE is refused"


async def acknowledged(bench: Bench) -> str:
    """The SEND: line."""
    async with bench.kept("+CSOSENDFLAG"):
        await bench.module.execute(ReportAcknowledgements())
        async with bench.connected(stream=True) as number:
            began = asyncio.get_running_loop().time()
            await bench.module.execute(SendData(number, _FEW))
            told = await bench.ear.hears(rf"SEND: ?{number},{len(_FEW)}\r", _BACK)
            took = asyncio.get_running_loop().time() - began
            counted = await bench.module.ask(ReadAcknowledged(number))
            count = "tells nothing" if counted is None else f"counts {counted.acknowledged} of {counted.given}"
            if told is None:
                raise Amiss(f"no SEND: within {_BACK:g} s; +CSOACK {count}")
            return f"SEND: after {took:.1f} s; +CSOACK {count}"


async def refused(bench: Bench) -> str:
    """What a connection that fails says, and a datagram that nobody wants."""
    async with bench.socket(stream=True) as number:
        said = await _connect_to_nobody(bench, number)
        if said.refused:
            error = await bench.ear.hears(rf"\+CSOERR: ?{number},(-?\d+)", 5.0)
            bench.answer("csocon_failure", "error" if error is None else "error+csoerr")
    async with bench.socket(stream=False) as number:
        await _connect_to_nobody(bench, number)
        bench.ear.forget()
        await bench.module.execute(SendData(number, b"?"))
        told = await bench.ear.hears(rf"\+CSOERR: ?{number},(-?\d+)", 10.0)
        bench.answer("unreachable_port", "silent" if told is None else "reset")
    tcp_words = "nothing" if said.final == "" else said.final
    return f"port {_NOBODY}: {tcp_words} over TCP, {'nothing' if told is None else told[0]} over UDP"


async def _connect_to_nobody(bench: Bench, number: SocketId) -> Said:
    address, _ = await bench.echo()
    return await bench.ask(ConnectSocket(number, _NOBODY, address).line(), ConnectSocket.timeout)


async def _there_and_back(bench: Bench, number: SocketId, sent: bytes) -> str:
    """Send something, wait for its echo, and say how it came."""
    # +CSONMI counts bytes where payload comes raw, else hex digits
    raw = await bench.number("+CSORCVFLAG") == 1
    announced = re.compile(rf"\+CSONMI: ?{number},(\d+),")
    loop = asyncio.get_running_loop()
    bench.ear.forget()
    began = loop.time()
    await bench.module.execute(SendData(number, sent))

    def all_of_it(text: str) -> int | None:
        pieces = announced.findall(text)
        return len(pieces) if sum(map(int, pieces)) >= len(sent) * (1 if raw else 2) else None

    pieces = await bench.ear.until(all_of_it, _BACK)
    if pieces is None:
        came = len(announced.findall(bench.ear.text))
        raise Amiss(f"{len(sent)} bytes went, and {came} pieces came back within {_BACK:g} s", Status.WARNING)
    return f"{len(sent)} bytes went, and came back after {loop.time() - began:.1f} s; pieces: {pieces}"
