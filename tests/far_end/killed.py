"""A far end that ends without warning at one step of a message: ``killed.py CONFIGURATION STEP COUNT``.

Its port is printed once it listens and has its broker. The step is one of ``publish`` (the message is not with the
broker yet), ``commit`` (the broker has it, the disk knows nothing), ``answer`` (the disk knows, the modem does not) and
``never``; it ends at the COUNTth time that it comes there.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from sim7020_far_end import broker, records, server
from sim7020_far_end.configuration import load
from sim7020_far_end.far_end import FarEnd
from tests.e2e.servers import until

STEPS = {
    "publish": (broker.Broker, "publish"),
    "commit": (records, "settle"),
    "answer": (server.Server, "_send"),
}


def ending(call: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return what ends the process at the COUNTth call."""
    left = count

    @wraps(call)
    def instead(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments)

    return instead


async def main() -> None:
    """Run until that step."""
    file, step, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if step in STEPS:
        owner, name = STEPS[step]
        setattr(owner, name, ending(getattr(owner, name), count))
    far_end = FarEnd(load(file))
    listens: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def tell() -> None:
        port = await listens
        await until(lambda: far_end._broker.is_there)
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(far_end.run(listens.set_result))
        tasks.create_task(tell())


if __name__ == "__main__":
    asyncio.run(main())
