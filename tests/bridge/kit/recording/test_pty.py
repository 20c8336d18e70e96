"""The pseudo-terminal between a program and a port, with a real program's end."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sim7020_bridge.kit.recording.pty import Pty
from tests.pty_peer import PATIENCE

FAR_TOO_MUCH = 1 << 20


@contextmanager
def program(pty: Pty) -> Iterator[int]:
    """Open it as a program does that does not wait."""
    descriptor = os.open(pty.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def write_until_refused(descriptor: int) -> bytes:
    """Write until nothing more is taken, however often the other end gets its turn; return what was."""
    written = b""
    while len(written) < FAR_TOO_MUCH:
        piece = len(written).to_bytes(4, "big") * 16
        for _ in range(10):
            with suppress(BlockingIOError):
                written += piece[: os.write(descriptor, piece)]
                break
            await asyncio.sleep(0)
        else:
            break
    return written


async def test_program_that_is_faster_than_the_line_waits() -> None:
    """What a program writes and nobody carries on does not pile up, and none of it is lost."""
    pty = Pty()
    try:
        with program(pty) as descriptor:
            written = await write_until_refused(descriptor)
            assert len(written) < FAR_TOO_MUCH
            read = b""
            async with asyncio.timeout(PATIENCE):
                while len(read) < len(written):
                    read += await pty.read()
            assert read == written
    finally:
        pty.close()


async def test_program_that_leaves() -> None:
    """That a program has it open no more is noticed even if nobody read what it wrote last."""
    pty = Pty()
    try:
        with program(pty) as descriptor:
            await write_until_refused(descriptor)
            leaving = asyncio.create_task(pty.until_left(86400))
            await asyncio.sleep(0)
            assert not leaving.done()
        await leaving
    finally:
        pty.close()


async def test_closed_while_it_is_read() -> None:
    """Whoever reads when it is closed hears of the end."""
    pty = Pty()
    reading = asyncio.create_task(pty.read())
    await asyncio.sleep(0)
    pty.close()
    assert await reading == b""
