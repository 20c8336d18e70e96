"""Plays a scenario: waits for its moments and makes its events happen."""

from dataclasses import dataclass

from sim7020_emulator.field.account import RadioState
from sim7020_emulator.line.faults import matches
from sim7020_emulator.module.power import Power
from sim7020_emulator.scenario.file import Scenario, Step, When
from sim7020_emulator.scenario.words import Event, Target


@dataclass(slots=True)
class _Progress:
    """How far a step is: how often it may still happen, and whether its repetition has begun."""

    step: Step
    left: int | None
    begun: bool = False


class Player:
    """Watches one module and plays what its scenario says; times are the module's own.

    What happens is logged: ``fault: WORDS`` for an event, ``fault: end of NAME`` when one ends by itself, and
    ``event: MOMENT`` for a moment of the module, unless ``moments`` is off. So are ``lost up`` and
    ``lost down`` for each datagram that is lost and, with a profile, ``radio: STATE``.
    """

    def __init__(self, target: Target, scenario: Scenario | None = None, *, moments: bool = True) -> None:
        self._target = target
        self._logs_moments = moments
        self._module = target.module
        self._schedule = target.module.schedule
        self._steps = [_Progress(step, step.times) for step in (scenario.steps if scenario else ())]
        self._power = self._module.power
        self._registered = self._online = False
        self._module.watch(self._look)
        self._module.bearer.on_connected = lambda: self._moment(When.CONNECTED)
        self._module.field.on_state = self._radio
        self._module.field.on_lost = self._module.bearer.on_lost = self._lost
        target.line.on_line = self._command
        target.line.on_end = lambda name: target.log(f"fault: end of {name}")

    def begin(self) -> None:
        """Start the clock of the scenario; what the module is by now counts as having just happened."""
        self._moment(When.START)
        self._look()

    def perform(self, event: Event) -> None:
        """Make something happen now."""
        self._target.log(f"fault: {event.text}")
        event.action(self._target)

    async def wait_online(self, seconds: float) -> bool:
        """Wait until the module is online, at most so many seconds of its time; say whether it is."""
        end = self._schedule.now() + seconds
        while not self._module.online and self._schedule.now() < end:
            await self._schedule.wait(1.0)
        return self._module.online

    def _radio(self, state: RadioState) -> None:
        if self._logs_moments:
            self._target.log(f"radio: {state}, level {self._module.field.level}")

    def _lost(self, way: str, size: int) -> None:
        if self._logs_moments:
            self._target.log(f"lost {way}: {size} bytes")

    def _look(self) -> None:
        """Find out which moments a change of the module is."""
        before, self._power = self._power, self._module.power
        if before is not self._power:
            self._power_moment(before)
        registered, online = self._module.radio.registered, self._module.online
        registers = registered and not self._registered
        goes = online is not self._online
        self._registered, self._online = registered, online
        if registers:
            self._moment(When.REGISTERED)
        if goes:
            self._moment(When.ONLINE if online else When.OFFLINE)

    def _power_moment(self, before: Power) -> None:
        match self._power:
            case Power.OFF:
                self._moment(When.OFF)
            case Power.ASLEEP:
                self._moment(When.ASLEEP)
            case Power.ON:
                self._moment(When.WOKEN if before is Power.ASLEEP else When.BOOTED)
            case Power.STARTING:
                return

    def _moment(self, when: When) -> None:
        if self._logs_moments:
            self._target.log(f"event: {when}")
        for progress in self._steps:
            if progress.step.when is when:
                self._arm(progress)

    def _command(self, line: str) -> None:
        """Do what a command line sets off, before it is carried out."""
        for progress in self._steps:
            if progress.step.when is When.COMMAND and matches(progress.step.command, line):
                self._arm(progress, at_once=progress.step.after == 0)

    def _arm(self, progress: _Progress, *, at_once: bool = False) -> None:
        step = progress.step
        if progress.left == 0 or progress.begun:
            return
        progress.begun = step.every is not None
        if step.every is None and progress.left is not None:
            progress.left -= 1
        if at_once and step.every is None:
            self._happen(step)
            return
        due = self._schedule.now() + step.after
        self._schedule.timer(step.after, lambda: self._repeat(progress, due) if step.every else self._happen(step))

    def _repeat(self, progress: _Progress, due: float) -> None:
        step = progress.step
        if progress.left is not None:
            progress.left -= 1
        self._happen(step)
        if step.every is not None and progress.left != 0:
            coming = due + step.every
            self._schedule.timer(coming - self._schedule.now(), lambda: self._repeat(progress, coming))

    def _happen(self, step: Step) -> None:
        for event in step.events:
            self.perform(event)
