"""The recovery steps: what to try next when a modem is not online, how often, and how long to wait before.

Each step is gentler than the next. A step that has used up its budget hands over to the next one; after the
last, recovery starts over at the first step that fits, with the longest waits, for ever. Attaching is
asked of the network, which may bar a SIM that asks too often, so attach attempts have a ceiling of their own.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.detachments import Detachments

DAY: Final = 86400.0


class Trouble(StrEnum):
    """What is wrong, which says what may help.

    PORT: the port can't be used. MISSING: it is not there, as where the module's USB hangs. MODULE: it does not
    answer. NETWORK: it answers and is not attached. DENIED: the network said no, so that only asking again, rarely,
    makes sense. RADIO: it refuses to switch its radio on. SOCKETS: it is attached, and refuses its sockets.
    """

    PORT = "port"
    MISSING = "missing"
    MODULE = "module"
    NETWORK = "network"
    DENIED = "denied"
    RADIO = "radio"
    SOCKETS = "sockets"


class RecoveryStep(StrEnum):
    """The steps of recovery, gentlest first.

    RESYNC is taken by the channel and SOCKETS by each socket for itself; both are only counted with the others.
    """

    RESYNC = "resync"
    SOCKETS = "sockets"
    CONTEXT = "context"
    REATTACH = "reattach"
    REBOOT = "reboot"
    REOPEN = "reopen"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class Budget:
    """How often a step is tried in a row before the next one is, and the waits before its tries, in seconds.

    The wait doubles from ``first`` to ``last`` with each try, shortened by up to a quarter at random.
    """

    tries: int
    first: float
    last: float


DEFAULT_BUDGETS: Final[Mapping[RecoveryStep, Budget]] = {
    RecoveryStep.CONTEXT: Budget(tries=1, first=10.0, last=900.0),
    RecoveryStep.REATTACH: Budget(tries=3, first=10.0, last=900.0),
    RecoveryStep.REBOOT: Budget(tries=2, first=30.0, last=900.0),
    RecoveryStep.REOPEN: Budget(tries=3, first=0.25, last=0.5),
    RecoveryStep.POWER: Budget(tries=2, first=10.0, last=1800.0),
}
"""REOPEN is soon tried again for ever: it asks nothing of the network, and nothing is heard while the port is shut.
REATTACH starts with T3411, after which a device may try again to attach (3GPP TS 24.301 section 10.2)."""

PORT_PATIENCE: Final = 300.0
"""Seconds that a missing port has to come back before the power hook is used: most often somebody unplugged it."""

STEPS_FOR_REFUSALS: Final = 6
"""Steps a day once all that may help a module that refuses its radio or its sockets was tried: most take it off the
network."""

SPARING: Final = 1800.0
"""Seconds from one attach attempt to the next, at least, once half of a day's are used up."""

LEFT_ALONE: Final = "the network asked to be left alone for a while (T3346)"
"""Why a step is held until a time that the network chose."""

NO_HOOK: Final = "the power hook can't be used now"
"""Why the power hook's turn is put off."""

ATTACHING: Final = frozenset({RecoveryStep.REATTACH, RecoveryStep.REBOOT, RecoveryStep.POWER})
"""The steps that make the module ask the network again."""


_SHUT: Final = frozenset({Trouble.PORT, Trouble.MISSING, Trouble.MODULE})
"""Troubles for which the port is opened again for ever."""

_UNHEARD: Final = frozenset({Trouble.MISSING, Trouble.MODULE})
"""Troubles that may end any moment, which shows only at an open port."""

_REFUSED: Final = frozenset({Trouble.RADIO, Trouble.SOCKETS})
"""Troubles that are the module's own, and that trying harder does not end."""

_HELPFUL: Final[Mapping[Trouble, tuple[RecoveryStep, ...]]] = {
    Trouble.PORT: (RecoveryStep.REOPEN,),
    Trouble.MISSING: (RecoveryStep.REOPEN, RecoveryStep.POWER),
    Trouble.MODULE: (RecoveryStep.REOPEN, RecoveryStep.POWER),
    Trouble.NETWORK: (RecoveryStep.REATTACH, RecoveryStep.REBOOT, RecoveryStep.REOPEN, RecoveryStep.POWER),
    Trouble.DENIED: (RecoveryStep.REATTACH,),
    Trouble.RADIO: (RecoveryStep.REATTACH, RecoveryStep.REBOOT, RecoveryStep.POWER),
    Trouble.SOCKETS: (RecoveryStep.CONTEXT, RecoveryStep.REATTACH, RecoveryStep.REBOOT, RecoveryStep.POWER),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to try, after how many seconds.

    ``held`` says why it waits longer than its step's own back-off; ``again`` that it is one more try of many
    to reach a module, not worth a word; ``patience`` for how many seconds the module may stay silent after it, where
    the power hook's turn comes sooner than the session would lose patience by itself.
    """

    step: RecoveryStep
    wait: float
    held: str | None = None
    again: bool = False
    patience: float | None = None


@dataclass(slots=True)
class Recovery:
    """One modem's way back.

    Times are those of the event loop, in seconds.

    Args:
        power: Whether there is a power hook.
        ceiling: Most attach attempts within 24 hours; at least 1.
        budgets: Of each step.
        port_patience: Seconds that a missing port has before the power hook is used.
        day: Seconds within which the ceiling holds.
        attached: Called after each attach attempt that was counted.
        usable: Whether the power hook can be used now.
    """

    power: bool
    ceiling: int
    budgets: Mapping[RecoveryStep, Budget] = field(default_factory=lambda: DEFAULT_BUDGETS)
    port_patience: float = PORT_PATIENCE
    day: float = DAY
    attached: Callable[[], None] = lambda: None
    usable: Callable[[], bool] = lambda: True
    detachments: Detachments = field(default_factory=Detachments)
    drops: int = 0
    """How often in a row the context was lost soon after it had come up; nobody counts one that lasts."""
    _tries: dict[RecoveryStep, int] = field(default_factory=dict)
    _rounds: int = 0
    _last: RecoveryStep | None = None
    _attaches: deque[float] = field(default_factory=deque)
    _power_due: float | None = None
    _pressed: float | None = None
    _restarted: bool = False
    _commanded: bool = False
    _refused_due: float | None = None

    def next(self, trouble: Trouble, *, now: float, network_wait: float = 0.0) -> Plan:
        """Choose the next step; ``count`` says that it was taken, and another choice before that is free.

        Args:
            trouble: What is wrong.
            now: The time.
            network_wait: Seconds that the network asked to be left alone (T3346, +CTRJ).
        """
        step = self._choose(trouble)
        wait = self._wait(step)
        if step is RecoveryStep.POWER and trouble in _UNHEARD:
            return self._power(wait if trouble is Trouble.MODULE else max(wait, self.port_patience), now)
        if trouble in _REFUSED and self._rounds:
            wait = self.day / STEPS_FOR_REFUSALS
        if trouble is Trouble.SOCKETS:
            # a module that saves power may be awake for less than the wait: its sleep counts
            if self._refused_due is None:
                self._refused_due = now + wait
            else:
                wait = max(0.0, self._refused_due - now)
        if step not in ATTACHING:
            return Plan(step, wait, again=self._rounds > 0 and trouble in _SHUT)
        held = None
        if network_wait > wait:
            wait, held = network_wait, LEFT_ALONE
        wait = max(wait, self._spared(now))
        ceiling_wait = self._until_allowed(now) - now
        if ceiling_wait > wait:
            wait, held = ceiling_wait, self._within_a_day
        return Plan(step, wait, held)

    def count(self, plan: Plan, *, now: float) -> None:
        """Count a step that is taken now; of those that attach, only POWER does so for sure."""
        self._tries[plan.step] = self._tries.get(plan.step, 0) + 1
        self._last = plan.step
        self._refused_due = None
        if plan.step is RecoveryStep.POWER:
            self._power_due, self._pressed = None, now
            self.attach(now=now)

    def attach(self, *, now: float) -> None:
        """Count that the module was made to attach."""
        self._restarted = False
        self._attach(now)

    def missed(self, *, now: float) -> None:
        """Note that the power hook was tried and could not be used: no step, and no attach attempt."""
        self._tries[RecoveryStep.POWER] = self._tries.get(RecoveryStep.POWER, 0) + 1
        self._power_due, self._pressed = None, now
        self._refused_due = None

    def resume(self, attempts: Iterable[float], *, restarted: bool) -> None:
        """Go on from the attach attempts of before; who ``restarted`` the bridge asks for one more."""
        self._attaches.extend(attempts)
        self._restarted = restarted

    def attempts(self, *, now: float) -> tuple[float, ...]:
        """Return when the attach attempts were made that still count."""
        while self._attaches and self._attaches[0] <= now - self.day:
            self._attaches.popleft()
        return tuple(self._attaches)

    def over(self, *, now: float) -> str | None:
        """Say in words if one more attach attempt now would exceed the ceiling; None if it would not."""
        return self._within_a_day if self._until_allowed(now) > now else None

    def must_wait(self, *, now: float) -> bool:
        """Whether no attach attempt is free now, or what is left of them is for later."""
        return self.over(now=now) is not None or self._spared(now) > 0

    def command(self, *, now: float) -> bool:
        """Say whether the module may be given the command to attach (AT+CGATT=1) now, and count that as an attempt.

        The first since one was counted belongs to that one, for a module that waits for the command.
        """
        if self._commanded:
            if self.must_wait(now=now):
                return False
            self.attach(now=now)
        self._commanded = True
        return True

    def driven(self, *, now: float) -> tuple[float, str]:
        """Count an attach attempt that the bridge brought about without wanting it: the module restarted for it.

        Returns:
            For how many seconds it must not do that again, and why.
        """
        self._attach(now)
        wait = self._until_allowed(now) - now
        self._restarted = False
        return wait, self._within_a_day

    def dropped(self) -> float:
        """Count a context that was lost soon after it came up; return the seconds until it is activated again.

        The first loss is met at once.
        """
        budget, self.drops = self.budgets[RecoveryStep.CONTEXT], self.drops + 1
        return Backoff(budget.first, budget.last, self.drops - 2).next_wait() if self.drops > 1 else 0.0

    def begin(self) -> None:
        """Note that what is wrong now has only begun: the power hook's patience counts from now."""
        self._power_due = self._pressed = None

    def online(self) -> RecoveryStep | None:
        """Go back to the bottom; return the step that helped, or None if none was needed."""
        helped, self._last = self._last, None
        self.detachments.ended()
        self._tries.clear()
        self._rounds = 0
        self._refused_due = None
        self.begin()
        return helped

    def _power(self, wait: float, now: float) -> Plan:
        """Use the power hook once it is due; until then the port is kept open: the module may speak up by itself."""
        if self._power_due is None:
            self._power_due = (now if self._pressed is None else self._pressed) + wait
        due, reopening = max(self._power_due, self._until_allowed(now)), self._wait(RecoveryStep.REOPEN)
        if now + reopening < due:
            return Plan(RecoveryStep.REOPEN, reopening, again=True, patience=due - now - reopening)
        if not self.usable():
            return Plan(RecoveryStep.REOPEN, reopening, NO_HOOK, again=True)
        return Plan(RecoveryStep.POWER, max(0.0, due - now), again=self._rounds > 0)

    def _attach(self, now: float) -> None:
        self._commanded = False
        self._attaches.append(now)
        self.detachments.attached()
        self.attached()

    @property
    def _within_a_day(self) -> str:
        return f"{self.ceiling} attach attempts were made within 24 hours"

    def _wait(self, step: RecoveryStep) -> float:
        budget = self.budgets[step]
        first = budget.last if self._rounds else budget.first
        return Backoff(first, budget.last, self._tries.get(step, 0)).next_wait()

    def _choose(self, trouble: Trouble) -> RecoveryStep:
        powered = self.power and (trouble in _UNHEARD or self.usable())
        order = [step for step in _HELPFUL[trouble] if step is not RecoveryStep.POWER or powered]
        for step in order:
            if self._tries.get(step, 0) < self.budgets[step].tries:
                return step
        self._tries.clear()
        self._rounds += 1
        return order[0]

    def _spared(self, now: float) -> float:
        """Return the seconds to wait so that what is left of the attempts lasts for the day."""
        attempts = self.attempts(now=now)
        if self._restarted or 2 * len(attempts) < self.ceiling:
            return 0.0
        return attempts[-1] + SPARING - now

    def _until_allowed(self, now: float) -> float:
        """Return the earliest time at which one more attach attempt stays under the ceiling."""
        attempts = self.attempts(now=now)
        if self._restarted or len(attempts) < self.ceiling:
            return now
        return attempts[-self.ceiling] + self.day
