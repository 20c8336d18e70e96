"""What is fuzzed: every place where bytes that somebody else chose are read."""

import random
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sim7020_bridge.at.command import Answer
from sim7020_bridge.at.dialogue import Dialogue, result_of
from sim7020_bridge.at.framer import LONGEST_LINE, Framer, Line
from sim7020_bridge.at.results import NO_RESULT, final_result
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.config.model import Encoding, SocketSettings, Transport
from sim7020_bridge.config.topic_names import filter_problem, matches, topic_problem
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, PayloadRefused, RequestRefused
from sim7020_bridge.kit.decode.command_line import commands_of
from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.mqtt.payloads import decode_payload, encode_payload
from sim7020_bridge.mqtt.topics import Inbox, Topics
from sim7020_bridge.requests.body import parse_request
from sim7020_emulator.at.results import Refused
from sim7020_emulator.at.syntax import read_line
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.file import read_scenario
from tests.bridge.command_lines import Foreign, command_for
from tests.campaign.mutation import mutated
from tests.transcript import RawReceived, Received, Sent, all_transcripts


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz.

    Args:
        name: What it is.
        seeds: Good inputs to start from.
        execute: Reads an input and returns how often something was parsed; raises for what must not be.
        share: Of all executions, in percent.
    """

    name: str
    seeds: Sequence[bytes]
    execute: Callable[[bytes], int]
    share: float

    def input(self, chance: random.Random) -> bytes:
        """Return something to read."""
        return mutated(chance, self.seeds)


_SENT: Final = sorted({step.text for each in all_transcripts() for step in each.steps if isinstance(step, Sent)})
_LINES: Final = sorted({step.text for each in all_transcripts() for step in each.steps if isinstance(step, Received)})
_RAW: Final = [step.data for each in all_transcripts() for step in each.steps if isinstance(step, RawReceived)]
_COMMANDS: Final = tuple(
    command for command in {line: command_for(line) for line in _SENT}.values() if not isinstance(command, Foreign)
)
_LINE_SEEDS: Final = [line.encode() for line in _LINES]
_STREAM_SEEDS: Final = [b"\r\n" + line + b"\r\n" for line in _LINE_SEEDS] + _RAW + [b"\r\n> "]
_TEXT: Final = re.compile(r"[^\r\n\0]+")
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _lines(data: bytes) -> list[Line]:
    return [item for item in Framer().feed(data + b"\n") if isinstance(item, Line)]


def framer(data: bytes) -> int:
    """Cut a stream into lines, whole and in two pieces."""
    whole = Framer().feed(data)
    half = len(data) // 2
    parted = Framer()
    pieces = parted.feed(data[:half]) + parted.feed(data[half:])
    for item in whole:
        if isinstance(item, Line) and not (
            _TEXT.fullmatch(item.text) and item.text.isascii() and len(item.text) <= 4 * LONGEST_LINE
        ):
            raise ValueError(f"no line: {item!r}")
    if whole != pieces:
        raise ValueError(f"cut otherwise: {whole!r} {pieces!r}")
    return 2


def answers(data: bytes) -> int:
    """Read lines as URCs, as final results, and as the answer to every command that the bridge has."""
    lines = _lines(data)
    for line in lines:
        URCS.read(line)
        final_result(line)
    answer = Answer(tuple(lines), NO_RESULT)
    for command in _COMMANDS:
        with suppress(MalformedAnswer):
            result_of(command, answer)
    return 2 * len(lines) + len(_COMMANDS)


def dialogue(data: bytes) -> int:
    """Hold a dialogue in which the module says anything."""
    command = _COMMANDS[len(data) % len(_COMMANDS)]
    told = Dialogue()
    told.begin(command)
    for item in Framer().feed(data):
        for event in told.take(item):
            answer = getattr(event, "answer", None)
            if answer is not None:
                with suppress(MalformedAnswer, CommandRefused):
                    result_of(command, answer)
                told.begin(command)
    return 1


def payloads(data: bytes) -> int:
    """Read a publication in every encoding, and write the same bytes as received ones."""
    for encoding in Encoding:
        with suppress(PayloadRefused):
            decode_payload(encoding, data)
        encode_payload(encoding, data, _AT, "192.0.2.1:5000")
    return 2 * len(Encoding)


def requests(data: bytes) -> int:
    """Read a request's body and every field of it."""
    try:
        body = parse_request(data)
    except RequestRefused:
        return 1
    readers: tuple[Callable[[], object], ...] = (
        lambda: body.check_fresh(_AT),
        lambda: body.text("host"),
        lambda: body.optional_text("id"),
        lambda: body.integer("count", minimum=1, maximum=100, default=4),
        lambda: body.flag("light_sleep", default=False),
        lambda: body.choice("priority", ("low", "normal", "high"), default="normal"),
    )
    for reader in readers:
        with suppress(RequestRefused):
            reader()
    return 1 + len(readers)


_INBOX: Final = Inbox(
    Topics("sim7020", "shed"),
    (SocketSettings("telemetry", Transport.UDP, "192.0.2.1", 5000, send_topics=("garden/+/pump", "house/#")),),
)


def topics(data: bytes) -> int:
    """Take a topic and a filter apart."""
    topic, _, topic_filter = _text(data).partition(" ")
    _INBOX.destination(topic)
    if not topic_problem(topic) and not filter_problem(topic_filter):
        matches(topic_filter, topic)
    return 3


def masks(data: bytes) -> int:
    """Mask a line for a log and for a recording."""
    line = _text(data)
    if len(mask(line)) != len(line):
        raise ValueError("the length shows")
    with suppress(ValueError):
        RawCommand(line).shown()
    return 3


def decoder(data: bytes) -> int:
    """Explain a log."""
    return max(1, sum(1 for _ in explained([data])))


def command_line(data: bytes) -> int:
    """Take a command line apart, as the bridge's decoder and as the emulator do."""
    line = _text(data)
    commands_of(line)
    with suppress(Refused):
        for invocation in read_line(line.encode("utf-8").decode("latin-1")):
            repr(invocation)
    return 2


def events(data: bytes) -> int:
    """Read what a scenario or a control channel says."""
    with suppress(Mistake):
        read_event(_text(data))
    return 1


def scenarios(data: bytes) -> int:
    """Read a scenario."""
    with suppress(Mistake):
        read_scenario(_text(data), "fuzz")
    return 1


_JSON: Final = [
    b'{"transaction":1,"host":"example.org","count":4,"expires":"2026-11-23T10:00:00Z"}',
    b'{"data":"on","priority":"high","id":"m1"}',
    b'{"data_hex":"00ff"}',
    b'{"data_base64":"AP8="}',
    b"00FF",
    b"AP8=",
    "gr\u00fc\u00dfe".encode(),
    b"[" * 40,
    b'{"a":' * 40,
    b'{"light_sleep":true,"active_time":1e3}',
]
_EVENTS: Final = [
    b"registration searching",
    b"signal 20",
    b"sim removed",
    b"reboot",
    b"supply 3.1",
    b"pdn lost",
    b"socket 0 -1",
    b"fail 1.2.3.4:5=3@connect",
    b"power off",
    b"set sim=pin",
    b"note hello",
]
_SCENARIO: Final = [
    b'about = "x"\n[[step]]\nat = 1.0\nevents = ["reboot"]\n[[step]]\nwhen = "online"\nevents = ["signal 99"]\n'
]

TARGETS: Final = (
    Target("answers", _LINE_SEEDS, answers, 60),
    Target("framer", _STREAM_SEEDS, framer, 10),
    Target("dialogue", _STREAM_SEEDS, dialogue, 5),
    Target("payloads", _JSON, payloads, 8),
    Target("requests", _JSON, requests, 5),
    Target(
        "topics", [b"sim7020/shed/socket/telemetry/send garden/+/pump", b"house/a/b house/#", b"a/b/c +/b/#"], topics, 4
    ),
    Target("masks", [*_LINE_SEEDS, *(line.encode() for line in _SENT)], masks, 3),
    Target("command-line", [line.encode() for line in _SENT], command_line, 3.5),
    Target("decoder", _STREAM_SEEDS + [f"> {line}\n".encode() for line in _SENT], decoder, 1),
    Target("events", _EVENTS, events, 0.4),
    Target("scenarios", _SCENARIO, scenarios, 0.2),
)
"""Everything that can be fuzzed by a plain call; places.py has the rest."""
