"""Asks brokers everything and writes the table in docs/brokers.md: see script/brokers --write."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.brokers import page
from tests.brokers.ask import FAILED, ask
from tests.brokers.programs import KINDS, Missing

PATIENCE = 5.0
"""Seconds of silence after which nothing comes any more."""


async def write(names: Sequence[str]) -> None:
    """Ask each, and write what all of them answer or nothing."""
    seen = {}
    for name in names:
        kind = KINDS[name]
        version = kind.version()
        print(f"{kind.title} {version}", flush=True)  # noqa: T201 - a program's output
        with tempfile.TemporaryDirectory() as directory:
            answers = await ask(kind, Path(directory) / "broker", lambda _row: PATIENCE)
        failed = [f"{row}: {answer}" for row, answer in answers.items() if answer.startswith(FAILED)]
        if failed:
            sys.exit("\n".join(failed))
        seen[kind.title] = {page.VERSION: version, **answers}
    page.PAGE.write_text(page.written(page.PAGE.read_text(encoding="utf-8"), seen), encoding="utf-8")


if __name__ == "__main__":
    try:
        asyncio.run(write(sys.argv[1:]))
    except Missing as missing:
        sys.exit(str(missing))
