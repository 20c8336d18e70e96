"""What one row of the fault matrix says, and the power hooks that the rows use."""

import asyncio
import shlex
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim7020_bridge.config.model import GpioSettings, PowerHookSettings
from tests.e2e.fast_world import FastWorld

Hook = Callable[[Path], PowerHookSettings]
Barrier = Callable[[Path], AbstractContextManager[None]]
BOTH = ("telemetry", "control")
UP = "online"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that has to be: the bridge would do wrong to be faster.

    Args:
        seconds: How long, from the bridge's own constants.
        why: What demands it, and where that is written.
        since: Start of the command from whose first writing after the fault it counts; empty: from the fault.
    """

    seconds: float
    why: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix.

    Args:
        scenario: What the emulator plays.
        what: The fault in words.
        steps: The steps that are taken, each at least once and no others; ``resync`` and ``sockets`` may come on top.
        alerts: What is raised, and removed again if it ends up.
        ends: ``online``, or the alert that tells the user.
        faults: Events of the scenario after which the end counts.
        awaits: An event, and how often the bridge has to tell it.
        stays: Seconds for which nothing may change at the end; with an alert: that it is watched.
        lasts: Seconds that the fault lasts, where the trace does not tell its end.
        strikes: How a line of the module's begins that shows a fault that was waiting to happen; the last of them is
            its end.
        wait: What has to be waited for beside the end of the fault.
        needs: Seconds of the module's own that follow the end of the fault and of the wait, where it does nothing
            without its host; None where the trace tells when it was online.
        speed: How many times as fast as the world.
        within: Seconds in which it has to end.
        modem: Settings of the modem.
        hook: The power hook in that directory.
        barred: What keeps the bridge from its port, from before it starts and for half a minute.
        do: Events at the start, before whatever the scenario has.
        arguments: More of them for the emulator.
        name: Tells cases with the same scenario apart.
        chat: Whether somebody sends all the time.
        act: What else goes on.
    """

    scenario: str
    what: str
    steps: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    ends: str = UP
    faults: int = 0
    stays: float = 5.0
    lasts: float | None = None
    strikes: str = ""
    wait: Wait | None = None
    needs: float | None = None
    awaits: tuple[str, int] = ("attached", 0)
    speed: float = 40.0
    within: float = 900.0
    sockets: tuple[str, ...] = BOTH
    modem: dict[str, Any] = field(default_factory=dict)
    hook: Hook | None = None
    barred: Barrier | None = None
    do: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    tcp_port: bool = False
    name: str = ""
    chat: bool = True
    act: Callable[[FastWorld], Coroutine[Any, Any, None]] | None = None

    @property
    def id(self) -> str:
        """What it is called."""
        return self.name or self.scenario


def told(*words: str, **settings: Any) -> Hook:
    """Return a command as power hook: these words go to the emulator's control channel."""

    def hook(directory: Path) -> PowerHookSettings:
        command = (sys.executable, "-m", "sim7020_emulator", "--tell", str(directory / "control"), *words)
        return PowerHookSettings(command=command, **settings)

    return hook


def plug(_directory: Path) -> PowerHookSettings:
    """Return a smart plug as power hook."""
    return PowerHookSettings(topic="plug/set", press_payload="OFF", release_payload="ON", duration=5.0)


def gpio(directory: Path) -> PowerHookSettings:
    """Return a GPIO line as power hook, and make the tool that would pulse it press PWRKEY."""
    tool = directory / "bin" / "gpioset"
    tool.parent.mkdir()
    press = shlex.join((sys.executable, "-m", "sim7020_emulator", "--tell", str(directory / "control"), "pwrkey"))
    tool.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo "gpioset (libgpiod) v2.1"\nexec {press}\n')
    tool.chmod(0o755)
    return PowerHookSettings(gpio=GpioSettings("gpiochip0", 17))


async def downlink(world: FastWorld) -> None:
    """Let the peer send every now and then: what the module says of it shows its baud rate."""
    while True:
        await asyncio.sleep(5.0)
        if world.udp.datagrams:
            world.udp.send(b"from the peer")
