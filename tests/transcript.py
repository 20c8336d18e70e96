"""Reads `tests/transcripts/*.at`, the dialogues that judge both the driver and the emulator.

The format is described in `tests/transcripts/README.md`. Everything here is a value; nothing does I/O but `load`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.transcript_given import Dns, Event, Fail, Given, Peer, Ping, Setting, Variant, parse_event, parse_given

DIRECTORY = Path(__file__).parent / "transcripts"

# Stands for a value that can't be fixed, such as a running clock.
ANY = "{ANY}"

FIDELITIES = ("vendor", "device", "composed")


@dataclass(frozen=True, slots=True)
class Sent:
    """A command line from the host; its CR is implied."""

    text: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Received:
    """A line from the module, without the CR LF before and after it; may contain `{ANY}`."""

    text: str
    line: int = field(default=0, compare=False)

    def matches(self, text: str) -> bool:
        """Tell whether what came is what is written here; `{ANY}` stands for one character or more."""
        pattern = ".+".join(re.escape(part) for part in self.text.split(ANY))
        return re.fullmatch(pattern, text) is not None


@dataclass(frozen=True, slots=True)
class RawSent:
    """Bytes from the host, with no CR after them."""

    data: bytes
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RawReceived:
    """Bytes from the module exactly as on the wire, framing included."""

    data: bytes
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Blank:
    """A CR LF from the module beyond the ordinary framing."""

    line: int = field(default=0, compare=False)


Step = Sent | Received | RawSent | RawReceived | Event | Blank


@dataclass(frozen=True, slots=True)
class Transcript:
    """One dialogue: where it comes from, what it takes to have it, and its steps.

    Args:
        name: File name without `.at`.
        source: Document and section, or device, in words.
        what: What the dialogue shows.
        fidelity: `vendor` (a document's example), `device` (a real module) or `composed` (from the rules).
        note_section: Section of the TCP/IP note that it covers, such as `3.5`; None if none.
        judges_emulator: False if no emulator can be led to answer so; the driver must read it all the same.
        given: What an emulator must be told before the first step.
        corrected: Slips of the source that were put right here.
        wire: All bytes from the module, echo included, where the source printed them.
        steps: What is said and what happens, in order.
    """

    name: str
    source: str
    what: str
    fidelity: str
    note_section: str | None
    judges_emulator: bool
    given: tuple[Given, ...]
    corrected: tuple[str, ...]
    wire: bytes | None
    steps: tuple[Step, ...]

    @property
    def settings(self) -> dict[str, str]:
        """Facts and states by name: `model`, `echo` (default `off`), `attached` (default `yes`) and `set` facts."""
        told = {given.name: given.value for given in self.given if isinstance(given, Setting)}
        return {"model": "sim7020e", "echo": "off", "attached": "yes"} | told

    @property
    def facts(self) -> dict[str, str]:
        """The `set NAME=VALUE` facts alone."""
        return {name: value for name, value in self.settings.items() if name not in {"model", "echo", "attached"}}

    @property
    def echo(self) -> bool:
        """Whether the module echoes at the start."""
        return self.settings["echo"] == "on"

    @property
    def attached(self) -> bool:
        """Whether the module is booted and registered with an active PDN before the first step."""
        return self.settings["attached"] == "yes"

    @property
    def variants(self) -> dict[str, str]:
        """Firmware switches that differ from their default, by name."""
        return {given.name: given.value for given in self.given if isinstance(given, Variant)}

    @property
    def dns(self) -> tuple[Dns, ...]:
        """Names that the network resolves, or fails to."""
        return tuple(given for given in self.given if isinstance(given, Dns))

    @property
    def pings(self) -> tuple[Ping, ...]:
        """Hosts and how they answer an echo request."""
        return tuple(given for given in self.given if isinstance(given, Ping))

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Servers that the module's sockets reach."""
        return tuple(given for given in self.given if isinstance(given, Peer))

    @property
    def failures(self) -> tuple[Fail, ...]:
        """Endpoints that can't be reached."""
        return tuple(given for given in self.given if isinstance(given, Fail))

    @property
    def received(self) -> tuple[str, ...]:
        """Every line from the module, in order."""
        return tuple(step.text for step in self.steps if isinstance(step, Received))

    def exchanges(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each command with the lines that follow it until the next one.

        What comes before the first command belongs to the command "". Raw bytes and events are left out.
        """
        command = ""
        lines: list[str] = []
        for step in self.steps:
            match step:
                case Sent():
                    if command or lines:
                        yield command, tuple(lines)
                    command, lines = step.text, []
                case Received():
                    lines.append(step.text)
        if command or lines:
            yield command, tuple(lines)


def wire(steps: Iterable[Step], *, echo: bool = False) -> bytes:
    """Return the bytes that the module puts on the line for these steps; `{ANY}` stays as it is written."""
    out = bytearray()
    for step in steps:
        match step:
            case Received():
                out += b"\r\n" + step.text.encode() + b"\r\n"
            case RawReceived():
                out += step.data
            case Blank():
                out += b"\r\n"
            case Sent() if echo:
                out += step.text.encode() + b"\r"
    return bytes(out)


def load(path: Path) -> Transcript:
    """Read one transcript.

    Raises:
        ValueError: The file is malformed; the message begins with its name and line number.
    """
    return parse(path.read_text(encoding="utf-8"), name=path.stem)


@cache
def all_transcripts() -> tuple[Transcript, ...]:
    """Read every transcript, by name."""
    return tuple(load(path) for path in sorted(DIRECTORY.glob("*.at")))


def parse(text: str, *, name: str) -> Transcript:
    """Read a transcript from its text.

    Raises:
        ValueError: The text is malformed; the message begins with `NAME.at:LINE`.
    """
    header: dict[str, list[str]] = {}
    given: list[Given] = []
    steps: list[Step] = []
    # Not splitlines(): only LF ends a line here, so that a blank at the end of a line stays significant.
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            if line.startswith("#"):
                _comment(line, number, header, given, steps)
            elif line:
                steps.append(_step(line, number))
        except ValueError as error:
            raise ValueError(f"{name}.at:{number}: {error}") from error
    try:
        return _transcript(name, header, given, steps)
    except ValueError as error:
        raise ValueError(f"{name}.at:1: {error}") from error


_ONCE = frozenset({"source", "what", "note-section", "fidelity", "judges", "bytes"})
_REPEATED = frozenset({"given", "corrected", "note", "event"})


def _comment(line: str, number: int, header: dict[str, list[str]], given: list[Given], steps: list[Step]) -> None:
    key, colon, value = line.removeprefix("# ").partition(": ")
    if not line.startswith("# ") or not colon or not value.strip():
        raise ValueError(f"a comment must read '# key: value' (got {line!r})")
    if key == "event":
        steps.append(parse_event(value, number))
        return
    if key not in _ONCE | _REPEATED:
        raise ValueError(f"{key!r} is none of {', '.join(sorted(_ONCE | _REPEATED))}")
    if key == "note":
        return
    if steps:
        raise ValueError(f"'# {key}:' must stand before the first step")
    if key in _ONCE and key in header:
        raise ValueError(f"'# {key}:' may stand only once")
    if key == "given":
        given.append(parse_given(value))
    header.setdefault(key, []).append(value)


def _step(line: str, number: int) -> Step:
    if line == "<":
        return Blank(number)
    mark, text = line[:2], line[2:]
    match mark:
        case "> ":
            if not text.strip():
                raise ValueError("a command is missing after '> '")
            return Sent(_printable(text), number)
        case "< ":
            if not text.strip():
                raise ValueError("a blank line from the module is written as a bare '<'")
            return Received(_printable(text), number)
        case ">!":
            return RawSent(_hex(text), number)
        case "<!":
            return RawReceived(_hex(text), number)
    raise ValueError(f"a line must begin with '> ', '< ', '>! ', '<! ' or '# ' (got {line!r})")


def _printable(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"only printable ASCII goes over the line; write '>!' or '<!' and hex (got {text!r})")
    return text


def _hex(text: str) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"not pairs of hex digits: {text.strip()!r}") from None
    if not data:
        raise ValueError("no bytes given")
    return data


def _transcript(name: str, header: dict[str, list[str]], given: list[Given], steps: list[Step]) -> Transcript:
    for key in ("source", "what", "fidelity"):
        if key not in header:
            raise ValueError(f"'# {key}:' is missing")
    once = {key: values[0] for key, values in header.items() if key in _ONCE}
    if once["fidelity"] not in FIDELITIES:
        raise ValueError(f"fidelity is none of {', '.join(FIDELITIES)} (got {once['fidelity']!r})")
    if once.get("judges", "both") not in {"both", "driver"}:
        raise ValueError(f"judges is both or driver (got {once['judges']!r})")
    if not any(isinstance(step, Received | RawReceived) for step in steps):
        raise ValueError("the module says nothing")
    transcript = Transcript(
        name=name,
        source=once["source"],
        what=once["what"],
        fidelity=once["fidelity"],
        note_section=once.get("note-section"),
        judges_emulator=once.get("judges", "both") == "both",
        given=tuple(given),
        corrected=tuple(header.get("corrected", ())),
        wire=_hex(once["bytes"]) if "bytes" in once else None,
        steps=tuple(steps),
    )
    if transcript.wire is not None and transcript.wire != wire(steps, echo=transcript.echo):
        raise ValueError("'# bytes:' differ from what the steps put on the line")
    return transcript
