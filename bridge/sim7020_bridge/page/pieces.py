"""JSON for the browser, where it is long, made piece by piece so that nobody waits for it."""

import asyncio
import json
from collections.abc import Iterable
from typing import Final

SLICE: Final = 50
"""Parts of a list that are written before others have their turn."""


def cut(text: str, most: int) -> str:
    """Return a text that somebody else chose, as long as it may be."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def in_json(document: object) -> bytes:
    """Write JSON; half a character, which text from outside may have, becomes a question mark."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


async def in_pieces(key: str, parts: Iterable[object], **more: object) -> bytes:
    """Write an object that has a long list under a key, and more beside it."""
    written = []
    for index, part in enumerate(parts):
        written.append(in_json(part))
        if index % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    rest = in_json(more)[1:]
    return b'{"%s":[%s]%s%s' % (key.encode(), b",".join(written), b"," if more else b"", rest)
