"""Every line that a transcript's module says is read by the driver, in every world a line can be."""

import asyncio
from dataclasses import dataclass

import pytest

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Echo, UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.clock import ReportNetworkTime, UpdateClockFromNetwork
from sim7020_bridge.commands.network import NameResolution, PingReply
from sim7020_bridge.commands.packet import ContextAddress, ContextParameters, ContextState
from sim7020_bridge.commands.radio import Functionality, SignalQuality
from sim7020_bridge.commands.registration import Operator, Registration, RegistrationStatus
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sim import SimReading, SimReport
from sim7020_bridge.commands.sockets import DataAcknowledged, DataReceived, ReceiveAsHex, SocketFailed, SocketId
from sim7020_bridge.errors import CommandRefused, LineError, ModuleSilent
from tests import virtual_time
from tests.bridge.command_lines import command_for, own_commands
from tests.hostile import WORLDS, World, turns
from tests.scripted_wire import ScriptedWire
from tests.transcript import ANY, RawReceived, RawSent, Transcript, all_transcripts

TRANSCRIPTS = {transcript.name: transcript for transcript in all_transcripts()}
# Data mode is the one thing that the bridge never does: all payload goes as hex.
DIALOGUES = {
    name: transcript
    for name, transcript in TRANSCRIPTS.items()
    if not any(isinstance(step, RawSent) for step in transcript.steps)
}
AS_IT_IS = WORLDS["as it is"]
# What no bridge has a use for: numeric results, raw payload, and another socket stack.
UNKNOWN = {"0", "+CSONMI: 0,4, \x02", "0, CLOSED", "CONNECT OK", "10.78.245.128"}
UNKNOWN |= {"0,CONNECT OK", "0,ALREADY CONNECT", "0,CLOSED", "SERVER OK", "SERVER CLOSE"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a dialogue: one outcome a command, and all URCs in order."""

    outcomes: tuple[tuple[str, object], ...]
    urcs: tuple[Urc, ...]


async def _run(transcript: Transcript, world: World) -> Heard:
    wire = ScriptedWire()
    urcs: list[Urc] = []
    channel = Channel(wire, urcs=URCS, on_urc=urcs.append)
    running = asyncio.create_task(channel.run())
    outcomes = []
    inserted = []
    try:
        for sent, is_line, answer in turns(transcript):
            chunks = world.play(sent if is_line else b"", [chunk.replace(ANY.encode(), b"42") for chunk in answer])
            inserted += [URCS.read(Line.of(text)) for text in world.inserted(answer)]
            if is_line:
                wire.answer_with(chunks)
                outcomes.append((sent.decode(), await _outcome(channel, sent.decode())))
            else:
                wire.say(*chunks)
            await wire.read_out()
    finally:
        running.cancel()
        with pytest.raises((asyncio.CancelledError, LineError)):
            await running
    noise = UnknownLine("\\xff\\xfe\\x80+CSO")
    heard = [urc for urc in urcs if urc != noise and not isinstance(urc, Echo)]
    for urc in inserted:
        heard.remove(urc)
    return Heard(tuple(outcomes), tuple(heard))


def hear(transcript: Transcript, world: World = AS_IT_IS) -> Heard:
    """Run a dialogue through a real channel."""
    return virtual_time.run(_run(transcript, world), grace=0)


async def _outcome(channel: Channel, line: str) -> object:
    try:
        return await channel.execute(command_for(line))
    except CommandRefused as refused:
        return refused.result.replace(": ", ":")
    except ModuleSilent:
        return "silent"


@pytest.mark.parametrize("name", DIALOGUES)
def test_every_line_is_read(name: str) -> None:
    """Nothing that a module says is unknown or malformed, but for a listed few."""
    heard = hear(DIALOGUES[name])
    unknown = {urc.text for urc in heard.urcs if isinstance(urc, UnknownLine)}
    assert unknown <= UNKNOWN


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogue_in_every_world(name: str) -> None:
    """However the line splits, echoes, spoils or interrupts it, a dialogue comes to the same."""
    transcript = DIALOGUES[name]
    has_payload = any(isinstance(step, RawReceived) for step in transcript.steps)
    expected = hear(transcript)
    for world in WORLDS.values():
        if not (world.changes_payload and has_payload):
            assert hear(transcript, world) == expected, world


NOTE: dict[str, dict[str, object]] = {
    "note-2.1-automatic-pdn": {
        "AT+CPIN?": SimReading("READY"),
        "AT+CSQ": SignalQuality(20, 0),
        "AT+CGREG?": Registration(RegistrationStatus.HOME),
        "AT+CGACT?": (ContextState(1, active=True),),
        "AT+COPS?": Operator(0, name="CHN-UNICOM", access_technology=9),
        "AT+CGCONTRDP": (ContextParameters(1, 5, "shnbiot", "10.250.0.213", "255.255.255.0"),),
    },
    "note-2.2-change-apn": {
        "AT+CFUN=0": None,
        'AT*MCGDEFCONT="IP","3GNET"': None,
        "AT+CFUN=1": None,
        "AT+CGREG?": Registration(RegistrationStatus.HOME),
        "AT+CGCONTRDP": (ContextParameters(1, 5, "3GNET", "10.250.0.253", "255.255.255.0"),),
    },
    "note-2.3-resolve-and-ping": {
        'AT+CDNSGIP="www.baidu.com"': NameResolution("www.baidu.com", ("61.135.169.121",)),
        'AT+CIPPING="61.135.169.121"': (),
    },
    "note-2.3-resolve-urc": {'AT+CDNSGIP="www.baidu.com"': None},
    "note-2.4-deactivate": {"AT+CGACT=0,1": None, "AT+CGACT?": (ContextState(1, active=False),), "AT+CGCONTRDP": ()},
    "note-3.2-tcp-client": {
        "AT+CSOC=1,1,1": 0,
        'AT+CSOCON=0,5245,"116.247.119.165"': None,
        'AT+CSOSEND=0,0,"Hello World"': (),
        "AT+CSOCL=0": None,
    },
    "note-3.3-udp": {"AT+CSOC=1,2,1": 0, 'AT+CSOCON=0,5246,"116.247.119.165"': None, "AT+CSOCL=0": None},
    "note-3.4-two-sockets": {"AT+CSOC=1,1,1": 0, "AT+CSOC=1,2,1": 1, 'AT+CSOSEND=1,10,"3132333435"': None},
    "note-3.5-text-and-hex": {'AT+CSOSEND=0,6,"313233"': None, "AT+CSOSEND=0,5,31323": "ERROR"},
    "note-3.6-tcp-acknowledgement-report": {"AT+CSOC=1,1,1": 0, "AT+CSOSENDFLAG=1": None},
    "note-3.8-extra-line-end": {"AT+CFUN?": Functionality.FULL},
    "note-4-recommended-flow": {
        "AT+CPIN?": SimReading("READY"),
        "AT+CGPADDR": (ContextAddress(1, "10.250.0.213"),),
    },
}
"""What the exchanges of the note come to, one entry a command; the last one counts where a command comes again."""


@pytest.mark.parametrize("name", NOTE)
def test_answers_of_the_note(name: str) -> None:
    """The exchanges of the vendor's note come to exactly what it says."""
    outcomes = dict(hear(TRANSCRIPTS[name]).outcomes)
    assert {command: outcomes[command] for command in NOTE[name]} == NOTE[name]


def test_five_sockets_of_the_note() -> None:
    """Five sockets in any mix get the ids 0 to 4, a sixth is refused (note section 3.1)."""
    created = [
        what for line, what in hear(TRANSCRIPTS["note-3.1-five-sockets"]).outcomes if line.startswith("AT+CSOC=")
    ]
    assert created == [0, 1, 2, 3, 4, "ERROR", 2]


NOTE_URCS: dict[str, tuple[Urc, ...]] = {
    "note-2.2-change-apn": (SimReport(SimReading("NOT READY")), SimReport(SimReading("READY"))),
    "note-2.3-resolve-and-ping": tuple(
        PingReply(sequence, "61.135.169.121", time, 52) for sequence, time in enumerate((1100, 200, 300, 200), start=1)
    ),
    "note-2.3-resolve-urc": (NameResolution("www.baidu.com", ("61.135.169.121",)),),
    "note-3.5-text-and-hex": (DataReceived(SocketId(0), b'\0\xff\r\n"'),),
    "note-3.6-tcp-acknowledgement-report": (DataAcknowledged(SocketId(0), 11),),
    "note-3.7-incoming-data": (DataReceived(SocketId(0), b"123"),),
    "note-3.9-every-code": tuple(SocketFailed(SocketId(0), code) for code in (-1, *range(1, 12))),
    "note-3.9-socket-error": (SocketFailed(SocketId(0), 2),),
}


@pytest.mark.parametrize("name", NOTE_URCS)
def test_urcs_of_the_note(name: str) -> None:
    """What the module reports by itself in the vendor's note is read for exactly what it is."""
    assert hear(TRANSCRIPTS[name]).urcs[-len(NOTE_URCS[name]) :] == NOTE_URCS[name]


def test_every_section_of_the_note_is_heard() -> None:
    """No section of the note goes without a dialogue."""
    sections = {transcript.note_section for transcript in DIALOGUES.values()} - {None}
    assert sections >= {"0", "2", "2.1", "2.2", "2.3", "2.4", *(f"3.{section}" for section in range(1, 10)), "4"}


# Their answer is a lone OK, and no document prints it.
WITHOUT_TRANSCRIPT = {ReceiveAsHex, ReportNetworkTime, UpdateClockFromNetwork}


def test_own_commands_meet_a_transcript() -> None:
    """Each command that the bridge has is the command of a transcript, or stands on a short list."""
    met = {type(command_for(command)) for transcript in TRANSCRIPTS.values() for command, _ in transcript.exchanges()}
    assert own_commands() - met == WITHOUT_TRANSCRIPT
