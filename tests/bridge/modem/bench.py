"""A modem kept attached whose port leads to a scripted module."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.config.model import ModemSettings, PowerHookSettings, SocketSettings, Transport
from sim7020_bridge.errors import LineError, PortUnavailable
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import ModemSocket, Phase, SocketState
from sim7020_bridge.modem.state import Layer, ModemState
from tests.bridge.scripted_module import ScriptedModule

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3600.0
REATTACH = "AT+CFUN=0"
REBOOT = "AT+CFUN=1,1"
UDP = SocketSettings(name="udp", transport=Transport.UDP, host="198.51.100.7", port=5005)
TCP = SocketSettings(name="tcp", transport=Transport.TCP, host="198.51.100.8", port=5006)
ACTIVATE = "AT+CGACT=1,1"
NAMED = SocketSettings(name="named", transport=Transport.TCP, host="example.org", port=5007)


def virtual_clock() -> datetime:
    """Tell the loop's time."""
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


def now() -> float:
    """Return the loop's time in seconds."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Bench:
    """A scripted module, the modem that keeps it attached, and all that this told."""

    module: ScriptedModule
    settings: ModemSettings
    state_dir: Path
    power: PowerHook | None = None
    absent: int = 0
    why_absent: str = "missing"
    states: list[ModemState] = field(default_factory=list)
    socket_states: list[tuple[str, SocketState]] = field(default_factory=list)
    data: list[tuple[str, bytes]] = field(default_factory=list)
    on_socket: Callable[[ModemSocket], None] = lambda _: None
    on_data: Callable[[ModemSocket, bytes], None] = lambda *_: None
    modem: Modem = field(init=False)

    def __post_init__(self) -> None:
        self.modem = Modem(
            self.settings,
            state_dir=self.state_dir,
            power=self.power,
            on_socket=self._socket_changed,
            on_data=self._received,
            clock=virtual_clock,
        )
        self.modem.store.listen(lambda _, after: self.states.append(after))

    def _socket_changed(self, socket: ModemSocket) -> None:
        self.socket_states.append((socket.settings.name, socket.state))
        self.on_socket(socket)

    def _received(self, socket: ModemSocket, data: bytes) -> None:
        self.data.append((socket.settings.name, data))
        self.on_data(socket, data)

    async def open_port(self, url: str, _baudrate: int) -> ScriptedModule:
        """Stand in for `open_port`."""
        if self.absent:
            self.absent -= 1
            raise PortUnavailable(url, self.why_absent, "no such device")
        return self.module.plug()

    async def until(self, holds: Callable[[ModemState], bool], within: float = 7200.0) -> None:
        """Return once a condition holds for the modem's state."""
        async with asyncio.timeout(within):
            await self.modem.store.until(holds)

    async def online(self) -> None:
        """Return once the modem is online."""
        await self.until(lambda state: state.link.layer is Layer.ONLINE)

    def socket(self, name: str) -> ModemSocket:
        """Return a socket."""
        socket = self.modem.sockets.get(name)
        assert socket is not None
        return socket

    async def opened(self, name: str, within: float = 7200.0) -> ModemSocket:
        """Return a socket once it is open."""
        socket = self.socket(name)
        async with asyncio.timeout(within):
            await socket.wait_open()
        return socket

    def phases(self, name: str) -> list[Phase]:
        """Return the phases that a socket went through."""
        phases: list[Phase] = []
        for told, state in self.socket_states:
            if told == name and phases[-1:] != [state.phase]:
                phases.append(state.phase)
        return phases

    def layers(self) -> list[Layer]:
        """Return the layers that the link went through."""
        layers: list[Layer] = []
        for state in self.states:
            if layers[-1:] != [state.link.layer]:
                layers.append(state.link.layer)
        return layers


ECHO = "AT+CSQ"


async def restarted(bench: Bench, evidence: str) -> None:
    """Give a restart away: by a line that comes by itself, or by the echo of a command."""
    if not evidence.startswith("AT"):
        bench.module.say(evidence)
        return
    bench.module.echo = True
    with suppress(LineError):
        await bench.modem.module.execute(RawCommand(evidence))
    bench.module.echo = False


@asynccontextmanager
async def running(
    *sockets: SocketSettings,
    module: ScriptedModule | None = None,
    absent: int = 0,
    port: str = "/dev/ttyS7",
    power: PowerHook | None = None,
    state_dir: Path | None = None,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """Keep a modem attached while the block runs.

    ``absent`` is how often its port can't be opened first; ``settings`` are more of the modem's.
    """
    configured = ModemSettings(name="shed", port=port, sockets=sockets, **settings)
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("sim7020_bridge.modem.modem.open_port") as opening,
    ):
        bench = Bench(module or ScriptedModule(), configured, state_dir or Path(folder), power, absent)
        opening.side_effect = bench.open_port
        task = asyncio.create_task(bench.modem.run(), name="modem")
        try:
            yield bench
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def steps(bench: Bench) -> dict[RecoveryStep, int]:
    """Return the steps of recovery that were taken."""
    return dict(bench.modem.store.state.counters.steps)


def current(bench: Bench) -> set[AlertId]:
    """Return the alerts that hold."""
    return set(alerts(bench.modem.store.state))


async def becomes(holds: Callable[[], bool]) -> None:
    """Return once a condition holds, within a day."""
    for _ in range(240_000):
        if holds():
            return
        await asyncio.sleep(0.36)
    raise TimeoutError


async def dropping(bench: Bench, after: float, ups: list[float]) -> None:
    """Let the network take the context away a while after each time that it is up; note when it came up."""
    while True:
        await bench.online()
        ups.append(now())
        await asyncio.sleep(after)
        asked = bench.module.times(ACTIVATE)
        bench.module.sockets.clear()
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.module.hears(ACTIVATE, times=asked + 1)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")


def unregistered(stat: str = "2") -> ScriptedModule:
    """Return a module without a network."""
    module = ScriptedModule()
    module.answer("AT+CEREG?", f"+CEREG: 5,{stat}", "OK")
    module.answer("AT+CGREG?", f"+CGREG: 0,{stat[0]}", "OK")
    return module


def register(module: ScriptedModule) -> None:
    """Give it the network."""
    module.answer("AT+CEREG?", "+CEREG: 5,1", "OK")
    module.say('+CEREG: 1,"00A0","0002920C",9')


def without_context(activation: tuple[str, ...] = ("OK",)) -> ScriptedModule:
    """Return a module whose PDN context is off; ``activation`` is what it answers to AT+CGACT=1,1."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", *activation)
    return module


def give_context(module: ScriptedModule) -> None:
    """Have its PDN context on, and let it be activated."""
    module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
    module.answer("AT+CGACT=1,1", "OK")


@dataclass
class Switch:
    """What a power hook tells over MQTT: ``told`` is called with each text, while it is connected."""

    told: Callable[[str], object]
    connected: bool = True
    late: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def tell_now(self, _topic: str, text: str) -> bool:
        """Tell it now or never."""
        if self.connected:
            self.told(text)
        return self.connected

    def tell(self, _topic: str, text: str, told: Callable[[], None]) -> None:
        """Tell it now or later."""
        self.late.append((text, told))
        if self.connected:
            self.connect()

    def connect(self) -> None:
        """Tell what is late."""
        self.connected = True
        late, self.late = self.late, []
        for text, told in late:
            self.told(text)
            told()


def by_topic(told: Callable[[str], object], **settings: Any) -> PowerHook:
    """Return a power hook that publishes, to a broker that is there."""
    return PowerHook(PowerHookSettings(topic="plug", **settings), switch=Switch(told))


def pressing() -> tuple[PowerHook, list[str]]:
    """Return a power hook that publishes, and what it published."""
    told: list[str] = []
    return by_topic(told.append, wakes=True), told


def as_heard(module: ScriptedModule, *commands: str) -> list[str]:
    """Return commands in the order in which they were first heard."""
    return sorted(commands, key=module.heard.index)
