"""Finds the bridge's command for a line of a transcript, if it has one."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sim7020_bridge import commands
from sim7020_bridge.at.command import Answer, Command, Probe
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands import clock, identity, network, packet, power, radio, registration, sim, sockets
from sim7020_bridge.commands.radio import Functionality
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sockets import SocketId


@dataclass(frozen=True, slots=True)
class Foreign(Command[tuple[str, ...]]):
    """A command that the bridge doesn't have: its answer is kept as it is."""

    words: str

    def line(self) -> str:
        """Return the command line."""
        return self.words

    def answers(self, line: Line) -> bool:
        """Accept lines of its own name, and bare ones that are no URC."""
        own = re.findall(r"[+*][A-Z]+", self.words.upper())
        return line.name in own or not (line.name in URCS or "\\" in line.text)

    def read(self, answer: Answer) -> tuple[str, ...]:
        """Keep the lines."""
        return tuple(f"{line.name}: {line.arguments}" if line.arguments else line.text for line in answer.lines)


_COMMANDS: tuple[Command[Any], ...] = (
    Probe(1.0),
    identity.EchoOff(),
    identity.VerboseResults(),
    identity.ReportErrorsByNumber(),
    identity.ReadManufacturer(),
    identity.ReadModel(),
    identity.ReadFirmware(),
    identity.ReadImei(),
    identity.ReadImsi(),
    identity.ReadIccid(),
    sim.ReadSimState(),
    sim.ReadPinAttempts(),
    *(radio.SetFunctionality(level) for level in Functionality if level is not Functionality.UNKNOWN),
    radio.SetFunctionality(Functionality.FULL, reset=True),
    radio.ReadFunctionality(),
    radio.ReportConnection(),
    radio.ReadSignalQuality(),
    radio.ReadCell(),
    registration.ReadRegistration(),
    registration.ReadGprsRegistration(),
    registration.ReadOperator(),
    registration.ChooseOperator(),
    packet.Attach(),
    packet.ReadContextStates(),
    packet.ActivateContext(),
    packet.DeactivateContext(),
    packet.ReadDefaultApn(),
    packet.ReadAddresses(),
    packet.ReadContextParameters(),
    packet.ReadBackoffTimer(),
    packet.ReportPacketEvents(),
    power.ReadSupply(),
    power.SetPowerSaving(enabled=False),
    power.SetPowerSaving(enabled=True),
    power.ReadPowerSaving(),
    power.ReportSleep(),
    power.RetainSockets(),
    power.RetainSockets(enabled=False),
    power.ReadEdrx(),
    power.ReadEdrxGranted(),
    clock.ReadClock(),
    clock.StopSntp(),
    network.ReadDnsServers(),
    sockets.CreateSocket(stream=True),
    sockets.CreateSocket(stream=False),
    sockets.ReadSockets(),
    sockets.ReportAcknowledgements(),
    sockets.ReceiveAsHex(),
    sockets.SetPullReceive(enabled=True),
    sockets.SetPullReceive(enabled=False),
)
_EXACT = {command.line(): command for command in _COMMANDS}


def _socket(text: str) -> SocketId:
    return SocketId(int(text))


_PATTERNS: tuple[tuple[str, Callable[..., Command[Any]]], ...] = (
    (r"AT\+IPR=(\d+)", lambda rate: identity.SetBaudRate(int(rate))),
    (r"AT\+CPIN=(\d+)", sim.EnterPin),
    (r"AT\+CEREG=([0-5])", lambda n: registration.ReportRegistration(int(n))),
    (r'AT\*MCGDEFCONT="IP","([^"]*)"', packet.SetDefaultApn),
    (r'AT\*MCGDEFCONT="IP","([^"]*)","([^"]*)","([^"]*)"', packet.SetDefaultApn),
    (r"AT\+CSCLK=([012])", lambda n: power.SetLightSleep(power.LightSleep(int(n)))),
    (
        r'AT\+CPSMS=1,,,"([01]+)","([01]+)"',
        lambda tau, active: power.SetPowerSaving(enabled=True, periodic_tau=tau, active_time=active),
    ),
    (r"AT\+CNBIOTRAI=([012])", lambda n: power.SetReleaseAssistance(int(n))),
    (r"AT\+CEDRXS=0", lambda: power.SetEdrx(0)),
    (r'AT\+CEDRXS=(\d),5,"([01]+)"', lambda mode, cycle: power.SetEdrx(int(mode), cycle)),
    (
        r'AT\*MEDRXCFG=(\d),5,"([01]+)","([01]+)"',
        lambda mode, cycle, window: power.SetEdrxWithWindow(int(mode), cycle, window),
    ),
    (r'AT\+CSNTPSTART="([^"]*)"', clock.StartSntp),
    (r'AT\+CSNTPSTART="([^"]*)","([^"]*)"', lambda server, zone: clock.StartSntp(server, int(zone))),
    (r'AT\+CDNSGIP="([^"]*)"', network.ResolveName),
    (
        r'AT\+CIPPING="([^"]*)",(\d+),(\d+),(\d+)',
        lambda host, count, size, tenths: network.Ping(host, int(count), int(size), int(tenths)),
    ),
    (
        r'AT\+CSOCON=(\d),(\d+),"([^"]*)"',
        lambda socket, port, host: sockets.ConnectSocket(_socket(socket), int(port), host),
    ),
    (
        r'AT\+CSOSEND=(\d),[1-9]\d*,"((?:[0-9A-F]{2}){1,512})"',
        lambda socket, digits: sockets.SendData(_socket(socket), bytes.fromhex(digits)),
    ),
    (
        r"AT\+CSOALIVE=(\d),1,(\d+),(\d+),(\d)",
        lambda socket, *times: sockets.SetKeepAlive(_socket(socket), *map(int, times)),
    ),
    (r"AT\+CSOACK=(\d)", lambda socket: sockets.ReadAcknowledged(_socket(socket))),
    (r"AT\+CSOCL=(\d)", lambda socket: sockets.CloseSocket(_socket(socket))),
    (r"AT\+CSOSTATUS=(\d)", lambda socket: sockets.ReadSocketStatus(_socket(socket))),
)


def command_for(line: str) -> Command[Any]:
    """Return the bridge's own command whose line this is to the letter, or a Foreign one."""
    if line in _EXACT:
        return _EXACT[line]
    for pattern, command in _PATTERNS:
        found = re.fullmatch(pattern, line)
        if found is not None:
            made = command(*found.groups())
            if made.line() == line:
                return made
    return Foreign(line)


def own_commands() -> set[type[Command[Any]]]:
    """Return every command that the bridge has, but for the one whose words a user writes."""
    return {
        value
        for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, type) and issubclass(value, Command) and value.__module__ == module.name
        if not inspect.isabstract(value) and not value.__name__.startswith("_") and value is not RawCommand
    }
