"""Fetching what a socket received, where the module is told to keep it."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from sim7020_bridge.at.command import Answer, Command, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import require_within
from sim7020_bridge.commands.sockets import LARGEST_PAYLOAD, SocketId, require_socket
from sim7020_bridge.errors import MalformedAnswer

LARGEST_FETCH: Final = 730
"""Bytes that one ``+CSORXGET=3`` gives (manual V1.05)."""


@dataclass(frozen=True, slots=True)
class ReadAvailable(Command[int]):
    """+CSORXGET: read how many bytes wait to be fetched.

    Manual V1.05.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSORXGET",)
    one_line: ClassVar[bool] = True

    socket: SocketId

    def __post_init__(self) -> None:
        require_socket(self.socket)

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSORXGET=4,{self.socket}"

    def answers(self, line: Line) -> bool:
        """Accept mode 4; mode 1 is the URC."""
        return line.name in self.answer_names and Cursor(line).optional_integer() == _COUNT_MODE

    def read(self, answer: Answer) -> int:
        """Read the count."""
        cursor = Cursor(answer.only())
        cursor.skip(2)
        return cursor.integer()


@dataclass(frozen=True, slots=True)
class FetchedData:
    """Bytes fetched; ``left`` is how many more wait, None if the firmware doesn't tell."""

    data: bytes
    left: int | None


@dataclass(frozen=True, slots=True)
class FetchData(Command[FetchedData]):
    """+CSORXGET: fetch bytes that wait, as hex digits.

    Manual V1.05. The third and fourth number are returned and remaining, or, after the manual's own
    words, requested and returned; the digits themselves decide.

    Args:
        socket: Which.
        most: Bytes at most, 1 to 730.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+CSORXGET",)
    timeout: ClassVar[float] = 10.0

    socket: SocketId
    most: int = LARGEST_PAYLOAD

    def __post_init__(self) -> None:
        require_socket(self.socket)
        require_within(self.most, 1, LARGEST_FETCH, "the number of bytes to fetch")

    def line(self) -> str:
        """Return the command line."""
        return f"AT+CSORXGET=3,{self.socket},{self.most}"

    def answers(self, line: Line) -> bool:
        """Accept mode 3, and the bare hex digits after it; mode 1 is the URC."""
        if line.name in self.answer_names:
            return Cursor(line).optional_integer() == _FETCH_MODE
        return _is_hex(line.text)

    def read(self, answer: Answer) -> FetchedData:
        """Read the head and the digits."""
        heads = [line for line in answer.lines if line.name in self.answer_names]
        if len(heads) != 1:
            raise MalformedAnswer(" | ".join(line.text for line in answer.lines), "expected one +CSORXGET line")
        data = bytes.fromhex("".join(line.text for line in answer.lines if line not in heads))
        cursor = Cursor(heads[0])
        cursor.skip(2)
        third, fourth = cursor.integer(), cursor.integer()
        if len(data) == third:
            return FetchedData(data, fourth)
        if len(data) == fourth:
            return FetchedData(data, None)
        raise MalformedAnswer(heads[0].text, f"{len(data)} bytes came with it")


_FETCH_MODE: Final = 3
_COUNT_MODE: Final = 4


def _is_hex(text: str) -> bool:
    return len(text) % 2 == 0 and set(text) <= set("0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True)
class DataWaiting(Urc):
    """+CSORXGET: data came and waits to be fetched."""

    names: ClassVar[tuple[str, ...]] = ("+CSORXGET",)

    socket: SocketId

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the socket's id."""
        cursor = Cursor(line)
        if cursor.integer() != 1:
            raise MalformedAnswer(line.text, "the late answer to a fetch")
        return cls(SocketId(cursor.integer()))
