"""A week that never was, in the page's history: ``python -m tests.bench.past FILE MODEM ...``.

For whoever wants to see plots, or to read as much as there can be. The same on each run but for when it ends: now.
"""

import asyncio
import math
import random
import sys
import time
from pathlib import Path
from typing import Final

from sim7020_bridge.page.history import History
from sim7020_bridge.page.minutes import LAYERS, Outage, Row

WEEK: Final = 7 * 24 * 60
"""Minutes."""

AWAY: Final = (
    (WEEK - 6200, 55, "registration"),
    (WEEK - 2950, 9, "port"),
    (WEEK - 610, 38, "radio"),
    (WEEK - 31, 6, "pdn"),
)
"""Outages: the minute in which each began, how many it took, and where the link stood."""


def outages(begin: int) -> list[Outage]:
    """Return the outages of a week that began then."""
    heights = [layer.value for layer in LAYERS]
    return [Outage(begin + 60 * at, heights.index(layer), begin + 60 * (at + took)) for at, took, layer in AWAY]


def minutes(begin: int, seed: str) -> list[Row]:
    """Return the minutes of a week that began then."""
    chance = random.Random(seed)  # noqa: S311 - of weather
    fade = 0.0
    rows = []
    for minute in range(WEEK):
        fade = 0.97 * fade + chance.gauss(0, 1.1)
        hour = (begin + 60 * minute) / 3600 % 24
        rsrp = round(-97 - 6 * math.cos((hour - 4) / 24 * math.tau) + fade)
        here = next((LAYERS.index(layer) for at, took, layer in AWAY if at <= minute < at + took), len(LAYERS) - 1)
        online = here == len(LAYERS) - 1
        seen = online or LAYERS[here] in {"registration", "pdn"}
        sent = int(online and minute % 5 == 0)
        rows.append(
            Row(
                time=begin + 60 * minute,
                rssi=float(rsrp + 8) if seen else None,
                rsrp=float(rsrp) if seen else None,
                rsrq=-9.0 if seen else None,
                sinr=round((rsrp + 108) / 1.6 + chance.gauss(0, 0.7), 1) if seen else None,
                ecl=(0 if rsrp > -104 else 1 if rsrp > -110 else 2) if seen else None,
                online=60.0 if online else 0.0,
                layer=here,
                waiting=0 if online else 1 + minute % 3,
                sent=sent,
                received=int(sent and chance.random() < 0.2),
                failed=int(online and chance.random() < 0.0004),
                up=sent * (60 + chance.randrange(40)),
                down=sent * chance.randrange(50),
                voltage=3.61,
            )
        )
    return rows


async def write(file: Path, modems: list[str]) -> None:
    """Put a week of each modem into a file."""
    begin = (int(time.time()) // 60 - WEEK) * 60
    history = History(file, modems)
    weeks = {modem: minutes(begin, modem) for modem in modems}
    for number in range(WEEK):
        rows = {modem: week[number] for modem, week in weeks.items()}
        await history.keep(rows, {modem: outages(begin) for modem in modems} if number == 0 else {})
    await history.close()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2:]))
