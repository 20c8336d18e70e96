r"""What a serial line can do to a module's answer and a driver must bear.

A `World` turns the bytes that the module says after one command into the chunks in which they arrive. All worlds are
pure and deterministic; every one but those with `changes_payload` leaves counted raw bytes intact, unless they hold
a whole line that reads as a final result code.

    @pytest.mark.parametrize("world", WORLDS.values(), ids=str)
    def test_answer(world: World) -> None:
        for chunk in world.play(b"AT+CSQ", [b"\r\n+CSQ: 20,0\r\n\r\nOK\r\n"]):
            framer.feed(chunk)
"""

import asyncio
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.transcript import Blank, RawReceived, RawSent, Received, Sent, Transcript, wire
from tests.transcript_given import Event

# Inserted where an answer is awaited; no command of the kit's users may have this socket open.
URC = "+CSONMI: 4,6,C0FFEE"
# A NUL, bytes outside ASCII and the first half of a line, as a line with nobody at its other end for a moment has them.
NOISE = b"\x00\xff\xfe\x80+CSO\r\n"

_FINAL = re.compile(
    rb"\r\n(?=(?:OK|ERROR|BUSY|NO CARRIER|NORMAL POWER DOWN|DATA ACCEPT:[^\r\n]*|\+CM[ES] ERROR:[^\r\n]*)\r\n)"
)
_COLON = re.compile(rb'(?<=\n)([^\r\n:"]+): ')

Chunks = list[bytes]


def as_it_is(chunks: Chunks) -> Chunks:
    """Leave the chunks alone."""
    return list(chunks)


def glued(chunks: Chunks) -> Chunks:
    """Deliver everything at once."""
    return [b"".join(chunks)]


def one_byte_at_a_time(chunks: Chunks) -> Chunks:
    """Deliver each byte alone."""
    return [bytes([byte]) for byte in b"".join(chunks)]


def split_randomly(seed: int) -> Callable[[Chunks], Chunks]:
    """Return a way to cut the bytes into pieces of 1 to 12 bytes, the same pieces for the same seed."""

    def split(chunks: Chunks) -> Chunks:
        rest = b"".join(chunks)
        dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        pieces = []
        while rest:
            size = dice.randint(1, 12)
            pieces.append(rest[:size])
            rest = rest[size:]
        return pieces

    return split


def every_split(data: bytes) -> Iterator[Chunks]:
    """Yield the data in two pieces, cut at each position in turn."""
    for position in range(1, len(data)):
        yield [data[:position], data[position:]]


def line_by_line(chunks: Chunks) -> Chunks:
    """Deliver each line end together with what stands before it."""
    return re.findall(rb"[^\n]*\n|[^\n]+", b"".join(chunks))


def urc_first(answer: bytes) -> bytes:
    """Put a URC between the command and its answer."""
    return wire([Received(URC)]) + answer


def urc_before_final(answer: bytes) -> bytes:
    """Put a URC before the first final result code, if there is one."""
    return _before_final(answer, wire([Received(URC)]))


def noise_first(answer: bytes) -> bytes:
    """Put noise before the answer."""
    return NOISE + answer


def noise_before_final(answer: bytes) -> bytes:
    """Put noise before the first final result code, if there is one."""
    return _before_final(answer, b"\r\n" + NOISE)


def no_blank_after_colon(answer: bytes) -> bytes:
    """Print `+CSQ:20,0`, as some documents do."""
    return _COLON.sub(rb"\1:", answer)


def doubled_line_ends(answer: bytes) -> bytes:
    """Print each CR LF twice."""
    return answer.replace(b"\r\n", b"\r\n\r\n")


def single_line_ends(answer: bytes) -> bytes:
    """Print no blank line between lines."""
    return answer.replace(b"\r\n\r\n", b"\r\n")


def unchanged(answer: bytes) -> bytes:
    """Leave the answer alone."""
    return answer


@dataclass(frozen=True, slots=True)
class World:
    """One way in which a line treats a module's answer.

    Args:
        name: What is special about it.
        change: Changes the answer's bytes.
        deliver: Cuts the bytes, echo included, into the chunks in which they arrive.
        echo: None for no echo; else what follows the command and stands before the answer.
        urcs: URCs that arrive beyond those of the module itself, if `change` finds a place for them.
        changes_payload: Whether counted raw bytes would be changed as well.
    """

    name: str
    change: Callable[[bytes], bytes] = unchanged
    deliver: Callable[[Chunks], Chunks] = as_it_is
    echo: bytes | None = None
    urcs: tuple[str, ...] = ()
    changes_payload: bool = False

    def __str__(self) -> str:
        return self.name

    def play(self, command: bytes, answer: Sequence[bytes]) -> Chunks:
        """Return the chunks that arrive after a command.

        Args:
            command: The command line without its CR; empty for what the module says unasked, which has no echo.
            answer: What the module says, in the pieces in which it says it.
        """
        changed = [self.change(b"".join(answer))] if self.change is not unchanged else list(answer)
        if command and self.echo is not None:
            changed.insert(0, command + self.echo)
        return [chunk for chunk in self.deliver(changed) if chunk]

    def inserted(self, answer: Sequence[bytes]) -> tuple[str, ...]:
        """Return the URCs that `play` puts into this answer."""
        whole = b"".join(answer)
        return self.urcs if self.change(whole) != whole else ()


_CONTENTS = (
    World("as it is"),
    World("echo", echo=b"\r"),
    World("echo and extra line end", echo=b"\r\r\n"),
    World("URC first", change=urc_first, urcs=(URC,)),
    World("URC before final", change=urc_before_final, urcs=(URC,)),
    World("URC after echo", change=urc_first, echo=b"\r", urcs=(URC,)),
    World("noise first", change=noise_first),
    World("noise before final", change=noise_before_final),
    World("no blank after colon", change=no_blank_after_colon, changes_payload=True),
    World("doubled line ends", change=doubled_line_ends, changes_payload=True),
    World("single line ends", change=single_line_ends, changes_payload=True),
)
_DELIVERIES: dict[str, Callable[[Chunks], Chunks]] = {
    "": as_it_is,
    "glued": glued,
    "line by line": line_by_line,
    "one byte at a time": one_byte_at_a_time,
    "split randomly 1": split_randomly(1),
    "split randomly 2": split_randomly(2),
    "split randomly 3": split_randomly(3),
}


def _worlds() -> Iterator[World]:
    for world in _CONTENTS:
        for delivery, deliver in _DELIVERIES.items():
            yield World(
                name=f"{world.name}, {delivery}" if delivery else world.name,
                change=world.change,
                deliver=deliver,
                echo=world.echo,
                urcs=world.urcs,
                changes_payload=world.changes_payload,
            )


# Every world by name: each treatment of the content in each way of delivery.
WORLDS: dict[str, World] = {world.name: world for world in _worlds()}


class UnexpectedCommand(AssertionError):
    """The driver sent something else than the transcript has."""


def turns(transcript: Transcript) -> list[tuple[bytes, bool, Chunks]]:
    """Return what the host sends and what the module then says, in order.

    Each turn is the host's bytes without CR (empty for what the module says at first), whether they are a command
    line, and one chunk a line. Events are left out: a script needs nobody to make it speak.
    """
    out: list[tuple[bytes, bool, Chunks]] = [(b"", False, [])]
    for step in transcript.steps:
        match step:
            case Sent(text=text):
                out.append((text.encode(), True, []))
            case RawSent(data=data):
                out.append((data, False, []))
            case Received() | RawReceived() | Blank():
                out[-1][2].append(wire([step]))
            case Event():
                pass
    return out if out[0][2] else out[1:]


async def play(
    transcript: Transcript, world: World, *, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Be the module of a transcript at the far end of a stream, in a world.

    Line feeds after a command's CR are ignored, as the module does.

    Raises:
        UnexpectedCommand: Something else was sent than the transcript has.
        asyncio.IncompleteReadError: The other end went away first.
    """
    for sent, is_line, answer in turns(transcript):
        got = sent
        if is_line:
            got = (await reader.readuntil(b"\r")).lstrip(b"\n").removesuffix(b"\r")
        elif sent:
            got = await reader.readexactly(len(sent))
        if got != sent:
            raise UnexpectedCommand(f"expected {sent!r}, got {got!r}")
        for chunk in world.play(sent if is_line else b"", answer):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)


def _before_final(answer: bytes, inserted: bytes) -> bytes:
    found = _FINAL.search(answer)
    return answer if found is None else answer[: found.start()] + inserted + answer[found.start() :]
