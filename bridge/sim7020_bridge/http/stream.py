"""Server-sent events, byte for byte."""

from typing import Final

KEEP_ALIVE: Final = 15.0
"""Seconds after which a comment is sent at the latest, so that nothing between takes the stream for dead."""

COMMENT: Final = b":\n\n"


def event(kind: str, data: str | bytes, *, number: str | None = None) -> bytes:
    """Return an event as it is sent.

    Args:
        kind: Its type, as in ``addEventListener``.
        data: Line by line what the browser gets; a carriage return, which would end a line, becomes a blank.
        number: What the browser says in ``Last-Event-ID`` when it comes back.
    """
    content = data.encode() if isinstance(data, str) else data
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b" ").split(b"\n")
    head = b"" if number is None else b"id: %s\n" % number.encode()
    return head + b"event: %s\n" % kind.encode() + b"".join(b"data: %s\n" % line for line in lines) + b"\n"
