"""The user's way to switch the modem's power or press its PWRKEY."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sim7020_bridge.config.model import GpioSettings, PowerHookSettings

log: Final = logging.getLogger(__name__)

COMMAND_TIMEOUT: Final = 60.0
"""Seconds for the user's command beyond the press itself."""


class PowerHook:
    """Presses, waits and releases; what goes wrong is logged, for there is nobody to raise it to.

    Args:
        settings: Which of the three ways: a command, an MQTT topic, or a GPIO line.
        publish: Publishes a text to a topic.
    """

    def __init__(self, settings: PowerHookSettings, *, publish: Callable[[str, str], None]) -> None:
        self._settings = settings
        self._publish = publish

    @property
    def wakes(self) -> bool:
        """Whether it may be used to wake the module from power saving."""
        return self._settings.wakes

    async def press(self) -> None:
        """Press once and return when it is released."""
        settings = self._settings
        log.warning("using the power hook")
        if settings.topic is not None:
            self._publish(settings.topic, settings.press_payload)
            try:
                await asyncio.sleep(settings.duration)
            finally:
                self._publish(settings.topic, settings.release_payload)
        elif settings.gpio is not None:
            await self._run("gpioset", _pulse(settings.gpio, settings.duration))
        else:
            await self._run(settings.command[0], settings.command)

    async def _run(self, name: str, command: tuple[str, ...]) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            log.error("the power hook %s can't be run: %s", name, error)
            return
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT + self._settings.duration):
                status = await process.wait()
        except TimeoutError:
            log.error("the power hook %s did not end and is killed", name)
        else:
            if status != 0:
                log.error("the power hook %s failed with status %d", name, status)
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
