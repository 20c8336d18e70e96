"""A SIM7020 in memory that answers as the reference's examples do, and lets a test put other words in its mouth.

It shares nothing with the emulator: no clock, no network, no state but which sockets exist.
"""

import asyncio
import functools
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from sim7020_bridge.errors import PortClosed
from tests.virtual_time import run

P = ParamSpec("P")

SILENCE: tuple[str, ...] = ()
"""For `answer`: the module says nothing at all."""

ATTACHED = {
    "AT": ("OK",),
    "AT+IFC?": ("+IFC: 0,0", "OK"),
    "AT+CMEE?": ("+CMEE: 1", "OK"),
    "AT+CSOACK": ("ERROR",),
    "AT+CGMI": ("SIMCOM_Ltd", "OK"),
    "AT+CGMM": ("SIM7020E", "OK"),
    "AT+CGMR": ("1752B04V02SIM7020E", "OK"),
    "AT+CGSN": ("869951030000019", "OK"),
    "AT+CIMI": ("901405100000019", "OK"),
    "AT+CCID": ("89882280000000000019", "OK"),
    "AT+CFUN?": ("+CFUN: 1", "OK"),
    "AT+CPIN?": ("+CPIN: READY", "OK"),
    "AT+CSQ": ("+CSQ: 20,0", "OK"),
    "AT+CEREG?": ('+CEREG: 5,1,"00A0","0002920C",9,"00",0,0,"00100010","00010010"', "OK"),
    "AT+CGREG?": ("+CGREG: 0,1", "OK"),
    "AT+CGACT?": ("+CGACT: 1,1", "OK"),
    "AT+CGCONTRDP": ('+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"', "OK"),
    "AT+CGPADDR": ('+CGPADDR: 1,"10.250.0.213"', "OK"),
    "AT+COPS?": ('+COPS: 0,2,"46000",9', "OK"),
    "AT+CENG?": ('+CENG: 3686,2,106,"0002920C",-82,-10,-73,12,8,"00A0",0,-100,-90', "OK"),
    "AT+CBC": ("+CBC: 88,3418", "OK"),
    "AT+CTZU?": ("+CTZU: 1", "OK"),
    "AT+CLTS?": ("+CLTS: 1", "OK"),
    "AT*MCGDEFCONT?": ('*MCGDEFCONT: "IP","shnbiot","",""', "OK"),
}


class ScriptedModule:
    """A wire and port whose far end is a module that is attached, until it is told to say something else.

    A command without an answer of its own gets OK. It can be ``deaf``, go on with its ``echo`` whatever it is told,
    or answer everything with ``noise``.
    """

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.sockets: set[int] = set()
        self.opened = 0
        self.deaf = False
        self.echo = False
        self.noise = b""
        self._answers: dict[str, tuple[str, ...]] = dict(ATTACHED)
        self._once: dict[str, deque[tuple[str, ...]]] = {}
        self._incoming: deque[bytes] = deque()
        self._times: Counter[str] = Counter()
        self._counted = 0
        self._heard: Callable[[bytes], None] | None = None
        self._gone: Callable[[PortClosed], None] = lambda _: None
        self._changed = asyncio.Event()
        self._unplugged = False

    def answer(self, command: str, *lines: str) -> None:
        """Answer a command so from now on; `command` is a whole line or the part before its ``=``."""
        self._answers[command] = lines

    def answer_once(self, command: str, *lines: str) -> None:
        """Answer so the next time; several of them are used up in order."""
        self._once.setdefault(command, deque()).append(lines)

    def say(self, *lines: str) -> None:
        """Say something unasked."""
        if lines:
            self._say_raw("".join(f"\r\n{line}\r\n" for line in lines).encode())

    def unplug(self) -> None:
        """Take the port away."""
        self._unplugged = True
        self._say_raw(b"")

    def plug(self) -> "ScriptedModule":
        """Give the port to whoever opens it; nothing that was said before is heard any more."""
        self._incoming = deque()
        self._heard = None
        self._unplugged = False
        self.opened += 1
        return self

    def times(self, command: str) -> int:
        """Say how often a command was heard, in all its forms if only its name is given."""
        if self._counted > len(self.heard):
            self._times.clear()
            self._counted = 0
        for line in self.heard[self._counted :]:
            self._times.update({line, line.partition("=")[0]})
        self._counted = len(self.heard)
        return self._times[command]

    async def hears(self, command: str, *, times: int = 1, within: float = 3600.0) -> None:
        """Return once a command was heard so often, counted from the beginning."""
        async with asyncio.timeout(within):
            while self.times(command) < times:
                self._changed.clear()
                await self._changed.wait()

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Speak to somebody, from what was said since the port was opened."""
        self._heard, self._gone = heard, gone
        asyncio.get_running_loop().call_soon(self._speak)

    def write(self, data: bytes) -> None:
        """Take a command line and answer it."""
        if self._unplugged:
            raise PortClosed("unplugged")
        line = data.decode("ascii").removesuffix("\r")
        if line == "\x1b":
            return
        self.heard.append(line)
        if self.echo:
            self._say_raw(data)
        if self.noise:
            self._say_raw(self.noise)
        elif not self.deaf:
            self.say(*self._reply(line))
        self._changed.set()

    async def aclose(self) -> None:
        """Close the port."""
        self._unplugged = True

    def _say_raw(self, data: bytes) -> None:
        """Say bytes; b"" is the end of the line."""
        self._incoming.append(data)
        if self._heard is not None:
            asyncio.get_running_loop().call_soon(self._speak)

    def _speak(self) -> None:
        while self._incoming and self._heard is not None:
            data = self._incoming.popleft()
            if data:
                self._heard(data)
            else:
                self._gone(PortClosed("unplugged"))

    def _reply(self, line: str) -> tuple[str, ...]:
        name = line.partition("=")[0]
        for key in (line, name):
            if self._once.get(key):
                return self._once[key].popleft()
        for key in (line, name):
            if key in self._answers:
                return self._answers[key]
        match name:
            case "AT+CSOC":
                free = next(number for number in range(6) if number not in self.sockets)
                if free > 4:
                    return ("ERROR",)
                self.sockets.add(free)
                return (f"+CSOC: {free}", "OK")
            case "AT+CSOC?":
                return (*(f"+CSOC: {number},1,1,1" for number in sorted(self.sockets)), "OK")
            case "AT+CSOCL":
                self.sockets.discard(int(line[-1]))
        return ("OK",)


def on_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a loop that never waits; it fails if a task outlives it or an error went unnoticed."""

    async def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = asyncio.get_running_loop()
        unnoticed: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: unnoticed.append(context))
        await test(*args, **kwargs)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert unnoticed == []

    @functools.wraps(test)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        run(guarded(*args, **kwargs), grace=0)

    return wrapper
