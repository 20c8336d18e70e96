"""Lives through one fault of the matrix, and says what came of it."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sim7020_bridge.config.model import ModemSettings, RecoverySettings
from tests.e2e.fast_world import NAME, FastWorld, fast_world
from tests.e2e.fault import UP, Fault
from tests.e2e.faults import FAULTS
from tests.e2e.lived import Outage, outages
from tests.e2e.mqtt_peer import Heard
from tests.fast_time import FastLoop

CONNECTING = 0.8
"""Seconds that opening a TCP socket takes the module."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bridge did about a fault; seconds are the module's.

    Args:
        rungs: The steps taken, and how often each.
        raised: The alerts that were raised at any time.
        alerts: Those that hold at the end.
        up: Whether it is up at the end.
        took: From the fault until it was up again, the longest if it was down more than once; None if never.
        least: What the module needed of that: the fault's own duration, its start, attaching.
        alerted: From the fault until the alert that it ends at; None if it ends up.
        commands: What the module was told.
        lived: How long all of it took.
        said: The last of what the bridge logged, by the loop's clock.
    """

    rungs: Mapping[str, int]
    raised: frozenset[str]
    alerts: frozenset[str]
    up: bool
    took: float | None
    least: float
    alerted: float | None
    commands: tuple[str, ...]
    lived: float
    said: tuple[str, ...]


def live_through_one(name: str, pace: float, directory: Path) -> Outcome:
    """Do so with a fault by its name, as a process of its own does; ``pace`` goes before its speed."""
    fault = next(fault for fault in FAULTS if fault.id == name)
    return live_through(replace(fault, speed=fault.speed * pace), directory)


def live_through(fault: Fault, directory: Path) -> Outcome:
    """Run the emulator and the bridge until the fault is over; hold the bridge to the contract and to tidiness."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(fault, directory))


async def _live(fault: Fault, directory: Path) -> Outcome:
    arguments = ("--scenario", fault.scenario, *fault.arguments)
    async with fast_world(directory, *arguments, speed=fault.speed, tcp_port=fault.tcp_port) as world:
        power = None if fault.hook is None else fault.hook(directory)
        if power is not None and power.topic is not None:
            world.mqtt.watch(lambda heard: _plug(world, heard))
        settings = ModemSettings(
            name=NAME,
            port=world.emulator.place,
            sockets=world.sockets(*fault.sockets),
            recovery=RecoverySettings(power=power),
            **fault.modem,
        )
        world.published.may_sleep = settings.power_saving is not None
        began = world.loop.time()
        async with _first_on_path(directory / "bin"), world.bridge(settings):
            talking = [asyncio.create_task(world.chat(name)) for name in fault.sockets if fault.chat]
            if fault.act is not None:
                talking.append(asyncio.create_task(fault.act(world)))
            try:
                await _until_over(fault, world)
            finally:
                for task in talking:
                    task.cancel()
                await asyncio.gather(*talking, return_exceptions=True)
            outcome = _outcome(fault, world, world.loop.time() - began)
        world.check()
        return outcome


@asynccontextmanager
async def _first_on_path(directory: Path) -> AsyncIterator[None]:
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{directory}{os.pathsep}{path}"
    try:
        yield
    finally:
        os.environ["PATH"] = path


def _plug(world: FastWorld, heard: Heard) -> None:
    if heard.topic == "plug/set":
        world.emulator.tell("power on" if heard.payload == b"ON" else "power off")


async def _until_over(fault: Fault, world: FastWorld) -> None:
    """Wait for the last fault and for all that it must lead to, then for the end, and that it stays so.

    The bridge tells in order: what it told before the echo of a message has been heard when the echo has.
    """
    told = world.published
    event, times = fault.awaits

    def happened() -> bool:
        return (
            world.trace.faults() >= fault.faults
            and told.events.count(event) >= times
            and fault.rungs <= set(told.rungs)
            and fault.alerts <= {name for _, name in told.raised}
        )

    def over() -> bool:
        return told.is_up and not told.alerts if fault.ends == UP else fault.ends in told.alerts

    await world.until(happened, within=fault.within)
    while True:
        await world.until(over, within=fault.within)
        if fault.ends != UP:
            await asyncio.sleep(fault.stays)
        elif await world.remains(over, seconds=fault.stays):
            await world.carries(*fault.sockets)
        else:
            continue
        if over():
            return


def _outcome(fault: Fault, world: FastWorld, lived: float) -> Outcome:
    told = world.published
    marks = world.trace.marks
    first = next((mark.at for mark in marks if mark.fault), 0.0)
    worst = max(
        (outage for outage in outages(marks, told.up) if outage.over > first),
        key=lambda outage: outage.over - outage.began - _least(fault, outage),
        default=None,
    )
    raised = next((at for at, name in told.raised if name == fault.ends), None)
    return Outcome(
        rungs=Counter(told.rungs),
        raised=frozenset(name for _, name in told.raised),
        alerts=frozenset(told.alerts),
        up=told.is_up,
        took=None if worst is None else worst.over - worst.began,
        least=0.0 if worst is None else _least(fault, worst),
        alerted=None if raised is None else raised - (first or marks[0].at),
        commands=tuple(world.trace.commands),
        lived=lived,
        said=tuple(world.said),
    )


def _least(fault: Fault, outage: Outage) -> float:
    """Return what the module needs."""
    mended = outage.mended if fault.lasts is None else outage.began + fault.lasts
    able = max(outage.online, mended) if fault.needs is None else mended + fault.needs
    connecting = CONNECTING if "control" in fault.sockets else 0.0
    # a connection that outlived the fault had not to be made again
    return min(able + connecting, outage.over) - outage.began
