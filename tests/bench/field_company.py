"""Whether messages should wait for company: what one costs that has a connection to itself, or shares it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.field_life import CALM, SPEED, World, in_world, joules
from tests.bench.field_place import Case, payload
from tests.bench.field_senders import ByBridge
from tests.bench.figures import Table

_EVERY: Final = 120.0
_WAIT: Final = 0.3
"""Seconds of the world: the outbox goes by its clock."""

_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class Company:
    """What a message costs; the sums are of all messages.

    Args:
        case: Of the bridge.
        together: How many are published at once.
        sent: How many in all.
        arrived: How many the server had.
        packets: Datagrams.
        billed: Their bytes from the IP header on.
        joules: Of the radio's connections.
        asked: How often release assistance was asked for.
    """

    case: Case
    together: int
    sent: int
    arrived: int
    packets: int
    billed: int
    joules: float
    asked: int


def company(count: int, seed: int, *, together: int = 5) -> list[Company]:
    """Publish messages one at a time and several at once, so many times each."""
    wanted = [
        (Case("field-good", stream=False, assisted=assisted, size=_SIZE, sender="bridge", company=wait), number)
        for assisted in (False, True)
        for number, wait in ((1, 0.0), (together, 0.0), (together, _WAIT))
    ]

    async def act(world: World) -> list[Company]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_company(world, case, number, count, f"{place}", seed))
                for place, (case, number) in enumerate(wanted)
            ]
        return [task.result() for task in tasks]

    return in_world(act, SPEED)


async def _company(  # noqa: PLR0917 - a case and how it is played
    world: World, case: Case, together: int, count: int, name: str, seed: int
) -> Company:
    async with world.sender(case, seed, name) as (here, sender):
        if not isinstance(sender, ByBridge):
            raise TypeError("company is the bridge's")
        await sender.start()
        await here.until(lambda: here.emulator.online and not here.emulator.busy, within=CALM)
        before, began, spent = here.figures(), here.now(), joules(here)
        for number in range(count):
            await asyncio.sleep(began + number * _EVERY - here.now())
            await sender.send(*(payload(number * together + each, case.size) for each in range(together)))
        await asyncio.sleep(_EVERY)
        await here.until(lambda: not here.emulator.busy, within=CALM)
        more = {name: value - before[name] for name, value in here.figures().items()}
        return Company(
            case,
            together,
            sent=count * together,
            arrived=len(here.arrivals.first),
            packets=round(more["up"] + more["down"]),
            billed=round(more["up_bytes"] + more["down_bytes"]),
            joules=joules(here) - spent,
            asked=round(more["rai"]),
        )


def table(found: Sequence[Company]) -> Table:
    """Return it as a table."""
    lines = [
        (
            "one at a time" if each.together == 1 else f"{each.together} at once",
            "one datagram" if each.case.company else "a datagram each",
            "yes" if each.case.assisted else "no",
            str(each.sent),
            str(each.arrived),
            f"{each.packets / each.sent:.3g}",
            f"{each.billed / each.sent:.1f}",
            f"{each.joules / each.sent:.3g}",
        )
        for each in found
    ]
    head = ("published", "in", "RAI", "messages", "delivered", "packets a message", "bytes billed", "J")
    return Table("field-company", head, lines, words=3)
