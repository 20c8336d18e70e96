"""The command forms that the bridge uses, in the order in which they are tried."""

from collections.abc import Sequence
from typing import Any, Final

from sim7020_bridge.at.command import Command, Probe
from sim7020_bridge.commands import clock, identity, network, packet, power, radio, registration, sim, sockets
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.kit.accept.bench import Amiss, Bench
from sim7020_bridge.kit.probe.finding import Status

QUESTIONS: Final[Sequence[Command[Any]]] = (
    Probe(1.0),
    identity.VerboseResults(),
    identity.ReadManufacturer(),
    identity.ReadModel(),
    identity.ReadFirmware(),
    identity.ReadImei(),
    identity.ReadImsi(),
    identity.ReadIccid(),
    sim.ReadSimState(),
    sim.ReadPinAttempts(),
    radio.ReadFunctionality(),
    radio.ReadSignalQuality(),
    radio.ReadCell(),
    registration.ReadRegistration(),
    registration.ReadGprsRegistration(),
    registration.ReadOperator(),
    packet.Attach(),
    packet.ReadContextStates(),
    packet.ReadDefaultApn(),
    packet.ReadAddresses(),
    packet.ReadContextParameters(),
    packet.ReadBackoffTimer(),
    power.ReadSupply(),
    power.ReadPowerSaving(),
    power.ReadEdrx(),
    power.ReadEdrxGranted(),
    clock.ReadClock(),
    network.ReadDnsServers(),
    sockets.ReadSockets(),
    sockets.ReadSocketStatus(sockets.SocketId(0)),
)
"""What changes nothing in a module that is attached."""

SETTINGS: Final[Sequence[Command[None]]] = (
    identity.ReportErrorsByNumber(),
    registration.ReportRegistration(5),
    packet.ReportPacketEvents(),
    power.ReportSleep(),
    power.RetainSockets(),
    power.SetReleaseAssistance(1),
    sockets.SetPullReceive(enabled=True),
)
"""Settings of one number that a restart forgets."""

STORED: Final[Sequence[Command[None]]] = (
    sockets.ReportAcknowledgements(),
    sockets.ReceiveAsHex(),
    power.SetLightSleep(power.LightSleep.NEVER),
    clock.UpdateClockFromNetwork(),
    clock.ReportNetworkTime(),
)
"""Settings of one number that the module stores at once."""


async def tried(bench: Bench, commands: Sequence[Command[Any]]) -> str:
    """Send commands one after the other; a firmware may refuse some, but what it answers has to be readable."""
    refused, unreadable = [], []
    for command in commands:
        try:
            await bench.module.execute(command)
        except CommandRefused as error:
            refused.append(f"{command.line()} ({error.result})")
        except ModuleSilent:
            unreadable.append(f"{command.line()} (no answer)")
        except MalformedAnswer:
            unreadable.append(f"{command.line()} (see the transcript)")
    words = f"{len(commands) - len(refused) - len(unreadable)} of {len(commands)} forms answered"
    if refused:
        words = f"{words}; refused: {', '.join(refused)}"
    if unreadable:
        raise Amiss(f"{words}; not readable: {', '.join(unreadable)}")
    if refused:
        raise Amiss(words, Status.WARNING)
    return words


async def tried_and_put_back(bench: Bench, settings: Sequence[Command[None]]) -> str:
    """The same for settings, each of which is put back."""
    async with bench.kept(*(setting.line().removeprefix("AT").partition("=")[0] for setting in settings)):
        return await tried(bench, settings)
