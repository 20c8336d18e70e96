"""The user's way to switch the modem's power or press its PWRKEY."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from sim7020_bridge.config.model import GpioSettings, PowerHookSettings

log: Final = logging.getLogger(__name__)

COMMAND_TIMEOUT: Final = 60.0
"""Seconds for the user's command beyond the press itself."""


AWAY: Final = "the broker is away"
HELD: Final = "the broker does not have its last release yet"
"""Why one by topic can't be used."""

RELEASED_WITHIN: Final = 10.0
"""Seconds for the broker to acknowledge a release."""


class Switch(Protocol):
    """What a text reaches over MQTT."""

    @property
    def connected(self) -> bool:
        """Whether it can be told something now."""

    def tell_now(self, topic: str, text: str) -> bool:
        """Tell it at once or never; say whether it was told."""

    def tell(self, topic: str, text: str, told: Callable[[], None]) -> None:
        """Tell it as soon as that can be, and call ``told`` then."""


class PowerHook:
    """Presses, waits and releases; what goes wrong is logged, for there is nobody to raise it to.

    Over MQTT a press is never late: it is made while the broker is there, or not at all. A release may be late, for a
    module may have no supply without it.

    Args:
        settings: Which of the three ways: a command, an MQTT topic, or a GPIO line.
        switch: For a topic.
    """

    def __init__(self, settings: PowerHookSettings, *, switch: Switch) -> None:
        self._settings = settings
        self._switch = switch
        self._problem = ""
        self._released = asyncio.Event()
        self._released.set()

    @property
    def wakes(self) -> bool:
        """Whether it may be used to wake the module from power saving."""
        return self._settings.wakes

    @property
    def usable(self) -> bool:
        """Whether it can be used now: one by topic needs the broker, and its last release must have got there."""
        return self._settings.topic is None or (self._switch.connected and self._released.is_set())

    async def press(self) -> bool:
        """Press once and return when it is released, or will be as soon as it can; say whether it was pressed."""
        settings = self._settings
        if not self.usable:
            return self._failed(f"{settings.topic} can't be used: {HELD if self._switch.connected else AWAY}")
        log.warning("using the power hook")
        if settings.topic is not None:
            return await self._tell(settings.topic)
        if settings.gpio is not None:
            return await self._run("gpioset", _pulse(settings.gpio, settings.duration))
        return await self._run(settings.command[0], settings.command)

    async def _tell(self, topic: str) -> bool:
        settings = self._settings
        if not self._switch.tell_now(topic, settings.press_payload):
            return self._failed(f"{topic} can't be used: {AWAY}")
        self._released.clear()
        try:
            await asyncio.sleep(settings.duration)
        finally:
            self._switch.tell(topic, settings.release_payload, self._released.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASED_WITHIN):
                await self._released.wait()
        self._problem = ""
        if not self._released.is_set():
            log.error("the power hook %s is not released yet: that waits for the broker", topic)
        return True

    def _failed(self, problem: str) -> bool:
        """Tell what is wrong, once while it stays the same: a module that is dead is pressed all day."""
        log.log(logging.DEBUG if problem == self._problem else logging.ERROR, "the power hook %s", problem)
        self._problem = problem
        return False

    async def _run(self, name: str, command: tuple[str, ...]) -> bool:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        except (OSError, RuntimeError) as error:  # the latter: no thread is to be had to wait for it in, as asyncio may
            return self._failed(f"{name} can't be run: {error}")
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT + self._settings.duration):
                status = await process.wait()
        except TimeoutError:
            return self._failed(f"{name} did not end and is killed")
        else:
            if status != 0:
                return self._failed(f"{name} failed with status {status}")
            self._problem = ""
            return True
        finally:
            if process.returncode is None:
                # a script may wait for programs of its own
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


def _pulse(gpio: GpioSettings, duration: float) -> tuple[str, ...]:
    """Return the command of libgpiod's tools, of version 1 and of version 2, that drives a line for so many seconds."""
    script = (
        'case "$(gpioset --version)" in *" v1."*) exec gpioset --mode=time --usec="$4" "$1" "$2";; '
        '*) exec gpioset --chip "$1" --toggle "$3,0" "$2";; esac'
    )
    line, period = f"{gpio.line}=1", f"{duration * 1000:.0f}ms"
    return ("sh", "-c", script, "gpioset", gpio.chip, line, period, f"{duration * 1e6:.0f}")
