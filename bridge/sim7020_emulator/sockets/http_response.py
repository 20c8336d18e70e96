"""One HTTP response, from bytes as they come to what the module reports of it."""

from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST_PIECE = 500
"""Bytes of content in one report, as a field log has it."""

_LONGEST_HEAD = 65536
_WITHOUT_CONTENT = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header lines, each with its CR LF; the status line is not among them."""

    status: int
    lines: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of the content, the size of the whole, and whether more follows."""

    data: bytes
    total: int
    more: bool


class HttpResponse:
    """Reads one response; ``ValueError`` when it is none. Content of unknown size is kept until its end."""

    def __init__(self) -> None:
        self.done = False
        self._buffer = b""
        self._headed = False
        self._chunked = False
        self._length: int | None = None
        self._reported = 0
        self._unknown = b""

    def feed(self, data: bytes) -> Iterator[Head | Content]:
        """Take bytes; yield what they complete."""
        self._buffer += data
        while not self._headed:
            block, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                if len(block) > _LONGEST_HEAD:
                    raise ValueError("a head without an end")
                return
            self._buffer = rest
            head = self._read_head(block)
            if head.status >= 200:  # noqa: PLR2004 (below are interim responses)
                self._headed = True
                yield head
        if self._chunked:
            self._read_chunks()
        elif self._length is None:
            self._unknown += self._buffer
            self._buffer = b""
        if self._length is not None:
            yield from self._content(self._length)

    def end(self) -> Iterator[Content]:
        """Yield what the end of the connection completes."""
        if self._headed and not self.done and self._length is None and not self._chunked:
            self._buffer, self._length = self._unknown, len(self._unknown)
            yield from self._content(self._length)

    def _content(self, total: int) -> Iterator[Content]:
        while not self.done and (self._buffer or total == 0):
            piece = self._buffer[: min(_LONGEST_PIECE, total - self._reported)]
            self._buffer = self._buffer[len(piece) :]
            self._reported += len(piece)
            self.done = self._reported >= total
            yield Content(piece, total, more=not self.done)

    def _read_head(self, block: bytes) -> Head:
        first, *lines = block.split(b"\r\n")
        version, status, *_ = [*first.split(b" ", 2), b""]
        if not version.startswith(b"HTTP/") or not (status.isdigit() and len(status) == 3):  # noqa: PLR2004
            raise ValueError("no status line")
        for line in lines:
            name, _, value = line.partition(b":")
            match name.strip().lower(), value.strip().lower():
                case b"content-length", size if size.isdigit():
                    self._length = int(size)
                case b"transfer-encoding", coding if coding.endswith(b"chunked"):
                    self._chunked = True
        if self._chunked or int(status) in _WITHOUT_CONTENT:
            self._length = None if self._chunked else 0
        return Head(int(status), b"".join(line + b"\r\n" for line in lines))

    def _read_chunks(self) -> None:
        while self._length is None:
            size, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                return
            length = int(size.partition(b";")[0], 16)
            if length == 0:
                if rest.startswith(b"\r\n") or b"\r\n\r\n" in rest:
                    self._buffer, self._length = self._unknown, len(self._unknown)
                return
            if len(rest) < length + 2:
                return
            if rest[length : length + 2] != b"\r\n":
                raise ValueError("a chunk without an end")
            self._unknown += rest[:length]
            self._buffer = rest[length + 2 :]
