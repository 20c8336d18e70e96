"""Time as the module lives it: delays and timers, scaled by the emulator's speed."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timing:
    """Every duration of the module, in seconds of its own time.

    The hardware design notes and the low-power note give the figures for start, PSM and sleep; the rest is plausible.
    """

    start: float = 2.0
    """From PWRKEY or a reset to the first byte on the UART."""
    answer: float = 0.01
    """A local query."""
    radio_off: float = 1.5
    """CFUN=0 until OK."""
    sim_ready: float = 1.2
    """From radio on to +CPIN: READY."""
    sms_ready: float = 0.3
    tcp_open: float = 0.8
    """What the module adds to a TCP handshake."""
    connect_limit: float = 75.0
    """A TCP handshake that is not done by then is aborted."""
    accept: float = 0.02
    """CSOSEND until OK."""
    send_limit: float = 645.0
    """A TCP link of the SIM800-compatible stack whose peer has not acknowledged a send by then is closed."""
    uplink: float = 0.15
    downlink: float = 0.15
    send_report: float = 1.0
    """From a send to its SEND: line, at least."""
    acknowledgement_poll: float = 0.02
    resolve: float = 1.0
    ping_interval: float = 0.2
    sntp: float = 1.0
    fail_later: float = 2.0
    """When an endpoint that is told to fail later does so."""
    pdn: float = 0.5
    """Activating or releasing a PDN context."""
    detach: float = 0.5
    operator_scan: float = 20.0
    power_down: float = 0.5
    rrc_release: float = 18.0
    """From the last uplink to idle mode."""
    rrc_release_assisted: float = 2.0
    """The same with release assistance (+CNBIOTRAI=1)."""
    wake: float = 0.4
    """From PWRKEY to +CPIN: READY when leaving PSM."""
    re_entry: float = 5.0
    """Back into PSM after a wake without traffic, restarted by each command."""
    light_sleep_after: float = 5.0
    """Idle time on the UART until CSCLK=2 puts the module to sleep."""
    wake_gap: float = 0.1
    """The silence that ends the swallowing of characters after light sleep."""


class Timer:
    """A callback that comes later and can be cancelled."""

    def __init__(self, owner: set["Timer"], callback: Callable[[], object]) -> None:
        self._owner = owner
        self._callback = callback
        self.handle: asyncio.Handle | None = None
        owner.add(self)

    def fire(self) -> None:
        """Run the callback; for the event loop."""
        self._owner.discard(self)
        self._callback()

    def cancel(self) -> None:
        """Forget it; harmless when it has fired already."""
        self._owner.discard(self)
        if self.handle is not None:
            self.handle.cancel()


class Schedule:
    """Delays, timers and tasks of one module, all ended by ``stop``.

    Args:
        speed: 2 makes everything twice as fast. 0 leaves delays out altogether, while timers that are part of
            what the module does (PSM, light sleep, its clock) run in real time.
    """

    def __init__(self, speed: float = 1.0, timing: Timing | None = None) -> None:
        self.speed = speed
        self.timing = timing or Timing()
        self._timers: set[Timer] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def now(self) -> float:
        """Return the module's time in seconds since some fixed moment."""
        return asyncio.get_running_loop().time() * (self.speed or 1.0)

    async def pause(self, seconds: float) -> None:
        """Let a delay pass; none at all at speed 0."""
        if self.speed and seconds > 0:
            await asyncio.sleep(seconds / self.speed)

    async def wait(self, seconds: float) -> None:
        """Let a timer's time pass, at speed 0 too."""
        await asyncio.sleep(seconds / (self.speed or 1.0))

    def timer(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back when a timer of the module expires."""
        timer = Timer(self._timers, callback)
        delay = max(seconds, 0.0) / (self.speed or 1.0)
        timer.handle = asyncio.get_running_loop().call_later(delay, timer.fire)
        return timer

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task that ends with the schedule at the latest; what it raises goes to the loop's handler."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def stop(self) -> None:
        """Cancel every timer and task and wait until the tasks have ended."""
        for timer in tuple(self._timers):
            timer.cancel()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": f"{task.get_name()} failed", "exception": error, "task": task}
            )
