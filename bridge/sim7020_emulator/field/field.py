"""The radio connection of a module at some place in the field: what each datagram sets off, and how long it takes.

OFF, SEARCHING -> attached -> IDLE -> ACCESS -> CONNECTED -> WAITING -> released -> IDLE, and from there into PSM, which
is the module's business. Without a profile nothing of it is played, and the module's fixed delays count.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim7020_emulator.field import rows
from sim7020_emulator.field.account import CONNECTED_STATES, Account, Direction, RadioState, read_watts
from sim7020_emulator.field.conditions import LEVELS, SECONDS_A_BYTE, Conditions
from sim7020_emulator.field.quantiles import Quantiles
from sim7020_emulator.field.surroundings import Surroundings
from sim7020_emulator.schedule import Schedule, Timer

_ACCESS_PART = 0.8
"""Ours: the part of the first way up after which the module is connected."""

FIRST_REPETITION = 3.0
"""Seconds after which a segment is sent again that was not acknowledged: lwIP's first; twice as long each time."""

_MOST_REPETITIONS = 8
"""Of a segment: more than twelve minutes of them, after which it counts as arrived."""

_SOON = 0.05
"""Seconds after the last datagram in which the network can't have released the connection yet."""

_BUSY = CONNECTED_STATES | {RadioState.ACCESS}
_AWAY = frozenset((RadioState.OFF, RadioState.SEARCHING, RadioState.PSM))


@dataclass(frozen=True, slots=True)
class Way:
    """What becomes of a datagram.

    Args:
        delay: Seconds until it has arrived.
        lost: Whether it never does.
        back: Seconds more until an answer that is given at once has arrived.
    """

    delay: float
    lost: bool = False
    back: float = 0.0


class Field:
    """The radio connection of one module."""

    def __init__(self, schedule: Schedule, surroundings: Surroundings) -> None:
        self._schedule = schedule
        self._around = surroundings
        self.seed = 7020
        """The same seed draws the same."""
        self.conditions: Conditions | None = None
        self.account = Account()
        self.state = RadioState.OFF
        self._joins = False
        self.level = 0
        self.on_connected: Callable[[bool], None] = lambda _: None
        """Told when the module is connected, and when it is not any more."""
        self.on_state: Callable[[RadioState], None] = lambda _: None
        """Told each change."""
        self.on_level: Callable[[int, int], None] = lambda _level, _dbm: None
        """Told the coverage level and the RSRP in dBm of each new connection."""
        self.on_lost: Callable[[str, int], None] = lambda _way, _size: None
        """Told of each datagram or segment that is lost, ``up`` or ``down``, and its bytes with headers."""
        self._dice: dict[str, random.Random] = {}
        self._since: float | None = None
        self._timer: Timer | None = None
        self._update_timer: Timer | None = None
        self._began = self._connected_at = self._busy_until = self._release_at = 0.0
        self._up_free = self._down_free = -math.inf
        self._expects = 0
        self._fortune = 0.5
        self._trip = 0.0
        self._answers: deque[tuple[float, float]] = deque()

    @property
    def on(self) -> bool:
        """Say whether a profile is played."""
        return self.conditions is not None

    @property
    def busy(self) -> bool:
        """Say whether the radio is connected, or about to be."""
        return self.state in _BUSY

    def play(self, conditions: Conditions | None) -> None:
        """Go over to a profile, or to none; a connection stays, what comes is the new profile's.

        A module that is registered when the first begins, or one after none, is idle: it does not attach for that.
        """
        self._settle()
        self._joins = self.conditions is None
        if conditions is None:
            self._enter(RadioState.OFF)
            self._plan()
        self.conditions = conditions

    def follow(self, *, runs: bool, asleep: bool, searches: bool, registered: bool) -> None:
        """Follow the module: what it is in now."""
        if not self.on:
            return
        self._settle()
        joins, self._joins = self._joins, False
        if asleep or not runs or not registered:
            state = RadioState.PSM if asleep else RadioState.SEARCHING if runs and searches else RadioState.OFF
            self._enter(state)
        elif self.state is RadioState.PSM:
            self._enter(RadioState.IDLE)
        elif joins:
            self._draw_level()
            self._enter(RadioState.IDLE)
        elif self.state in _AWAY:
            self.account.attaches += 1
            self._attached()
        self._plan()

    def attach_time(self, spent: float) -> float | None:
        """Draw the seconds until registered, ``spent`` after the radio was switched on; None without a profile."""
        if self.conditions is None:
            return None
        return max(_SOON, self.conditions.attach.at(self._part("attach")) - spent)

    def speak(self) -> bool:
        """Speak to the network, as for a change of timers; say whether a connection is played that was used for it."""
        self.update()
        return self.on and self.busy

    def update(self) -> None:
        """Update the tracking area, unless the radio is connected anyway."""
        if self.conditions is None or self.state is not RadioState.IDLE:
            return
        self.account.updates += 1
        self._draw_level()
        self._draw_trip()
        lasts = self.conditions.update.at(self._part("update"))
        now = self._schedule.now()
        self._access(now + lasts / 2)
        self._keep(now + lasts)

    def up(self, size: int, headers: int) -> Way:
        """Send a datagram with so many bytes of payload and of headers, now."""
        now = self._schedule.now()
        if self.conditions is None or self.state in _AWAY:
            return Way(self._schedule.timing.uplink)
        connects = not self.busy
        if connects:
            self._draw_level()
            self._fortune = self._part("round trip")
            trip = self._trip = self.conditions.from_idle[self.level](self._fortune, size)
            way = trip * rows.WAY_UP[self.level]
            begins = now
            self._access(now + way * _ACCESS_PART)
        else:
            trip = self.conditions.connected[self.level].at(self._part("connected"))
            way = trip * rows.WAY_UP[self.level] + self._transfer(size)
            trip += 2 * self._transfer(size)
            begins = max(now, self._connected_at)
        arrives = self._up_free = max(begins, self._up_free) + way
        lost = self._chance("loss up", self._around.loss_up, self.conditions.loss[0])
        self._count("up", self.account.up, size + headers, lost=lost)
        if not lost:
            self._answers.append((arrives, trip - way))
        self._sent(arrives, connects=connects)
        return Way(arrives - now, lost, trip - way)

    def down(self, size: int, headers: int) -> Way:
        """Deliver a datagram that has arrived at the network now."""
        if self.conditions is None or self.state in _AWAY:
            return Way(self._schedule.timing.downlink)
        now = self._schedule.now()
        lost = self._chance("loss down", self._around.loss_down, self.conditions.loss[1])
        self._count("down", self.account.down, size + headers, lost=lost)
        if self.busy:
            way = self._way_down(now, size)
            arrives = max(now + way, self._connected_at, self._down_free)
            if not lost:
                self._down_free = arrives
                self._heard(arrives)
            return Way(arrives - now, lost)
        if lost:
            return Way(0.0, lost=True)
        if self._down_free > now:  # it is being paged already
            arrives = self._down_free = self._down_free + self._way_down(now, size)
            self._schedule.timer(arrives - now, lambda: self._paged(arrives))
            return Way(arrives - now)
        paged = self._part("paging") * self._around.paging_cycle()
        trip = self.conditions.from_idle[self.level](self._part("round trip"), size)
        arrives = self._down_free = now + paged + trip * rows.WAY_UP[self.level]
        self._schedule.timer(paged, lambda: self._paged(arrives))
        return Way(arrives - now)

    def stream_up(self, size: int, headers: int) -> Way:
        """Send a segment, again until it arrives; its acknowledgement comes back."""
        return self._again(self.up, self.account.down, size, headers)

    def stream_down(self, size: int, headers: int) -> Way:
        """Deliver a segment, again until it arrives, and acknowledge it."""
        return self._again(self.down, self.account.up, size, headers)

    def exchange(self, up: int, down: int, headers: int) -> float | None:
        """Send what is answered at once; return the seconds until the answer is there, or None if either is lost."""
        way = self.up(up, headers)
        if not self.busy:
            return way.delay + self._schedule.timing.downlink
        if way.lost:
            return None
        self._answers.pop()
        conditions = self._conditions
        lost = self._chance("loss down", self._around.loss_down, conditions.loss[1])
        self._count("down", self.account.down, down + headers, lost=lost)
        if lost:
            return None
        seconds = way.delay + way.back + (self._transfer(down) - self._transfer(up) if down > up else 0.0)
        self._heard(self._schedule.now() + seconds)
        return seconds

    def count(self, *, up: int, down: int, headers: int) -> None:
        """Count so many segments without payload, which take no time of their own."""
        if self.on:
            for direction, number in ((self.account.up, up), (self.account.down, down)):
                for _ in range(number):
                    direction.add(headers, lost=False)

    def figures(self) -> Mapping[str, str]:
        """Return profile, state and every sum by name."""
        self._settle()
        name = "none" if self.conditions is None else self.conditions.name
        return {"profile": name, "radio": self.state.value, "level": str(self.level), **self.account.figures()}

    def _count(self, way: str, direction: Direction, size: int, *, lost: bool) -> None:
        direction.add(size, lost=lost)
        if lost:
            self.on_lost(way, size)

    def _again(self, send: Callable[[int, int], Way], acknowledged: Direction, size: int, headers: int) -> Way:
        delay, wait = 0.0, FIRST_REPETITION
        way = send(size, headers)
        for _ in range(_MOST_REPETITIONS):
            if not way.lost:
                break
            delay += wait
            wait *= 2
            way = send(size, headers)
        if self.on:
            acknowledged.add(headers, lost=False)
        if delay and self.busy:
            self._keep(self._schedule.now() + delay + way.delay)
        return Way(delay + way.delay, back=way.back)

    def _way_down(self, now: float, size: int) -> float:
        """Return the seconds down in connected state: for an answer, what is left of its round trip."""
        while self._answers and self._answers[0][0] < now - self._conditions.connected[self.level].values[-1]:
            self._answers.popleft()  # nobody answered that
        if self._answers and self._answers[0][0] <= now + _SOON:
            return self._answers.popleft()[1]
        trip = self._conditions.connected[self.level].at(self._part("connected"))
        return trip * (1 - rows.WAY_UP[self.level]) + self._transfer(size)

    @property
    def _conditions(self) -> Conditions:
        if self.conditions is None:
            raise RuntimeError("no profile is played")
        return self.conditions

    def _attached(self) -> None:
        """Be connected by the attach itself."""
        self._draw_level()
        self._draw_trip()
        self._connected_at = self._began = self._schedule.now()
        self._enter(RadioState.CONNECTED)
        self._keep(self._connected_at)

    def _access(self, connected_at: float) -> None:
        self.account.connections += 1
        self._began = self._schedule.now()
        self._connected_at = connected_at
        self._busy_until = self._release_at = connected_at
        self._expects = 0
        self._answers.clear()
        self._enter(RadioState.ACCESS)

    def _paged(self, arrives: float) -> None:
        """Begin to connect for something that waits at the network."""
        if self.conditions is None or self.state in _AWAY:
            return
        if not self.busy:
            self._draw_level()
            self._draw_trip()
            now = self._schedule.now()
            self._access(now + (arrives - now) * _ACCESS_PART)
        self._keep(arrives)

    def _sent(self, arrives: float, *, connects: bool) -> None:
        """Decide when the connection is released after an uplink, if nothing comes."""
        code = self._around.take_assistance()
        if code:
            self.account.assisted += 1
            if self._chance(f"release assistance {code}", self._around.rai_ignored, self._conditions.ignored[code - 1]):
                self.account.ignored += 1
                code = 0
        self._expects = code
        if code == 1:
            total = self._assisted(code, connects=connects)
            began = self._began if connects else self._schedule.now() - total / 2
            self._release_at = self._busy_until = max(arrives + _SOON, began + total)
            self._plan()
        else:
            self._keep(arrives)

    def _heard(self, arrives: float) -> None:
        """Decide it after a downlink."""
        if self._expects:
            due = self._release_at
            if self._expects > 1:
                due = self._began + self._assisted(self._expects, connects=True)
            self._release_at = self._busy_until = max(arrives + _SOON, due)
            self._expects = 1
            self._plan()
        else:
            self._keep(arrives)

    def _keep(self, until: float) -> None:
        """Be busy until then, and connected until the network's timer has run out."""
        self._busy_until = max(self._busy_until, until)
        fixed = self._around.inactivity
        tail = float(fixed) if fixed else self._conditions.release[self.level](self._trip, self._part("release"))
        self._release_at = self._busy_until + max(tail, _SOON)
        self._plan()

    def _assisted(self, code: int, *, connects: bool) -> float:
        """Return how long a connection lasts with release assistance: long, if its round trip was."""
        return rows.ASSISTED[code][self.level].at(self._fortune if connects else self._part("assisted"))

    def _step(self) -> None:
        """Go over to the state that is due."""
        self._timer = None
        now = self._schedule.now() + 1e-6
        if self.state is RadioState.ACCESS:
            self._enter(RadioState.CONNECTED)
        elif now >= self._release_at:
            self._enter(RadioState.IDLE)
        elif now >= self._busy_until:
            self._enter(RadioState.WAITING)
        self._plan()

    def _plan(self) -> None:
        """Set the timer for what comes next."""
        for timer in (self._timer, self._update_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._update_timer = None
        now = self._schedule.now()
        if self.state is RadioState.WAITING and self._busy_until > now:
            self._enter(RadioState.CONNECTED)
        match self.state:
            case RadioState.ACCESS:
                due = self._connected_at
            case RadioState.CONNECTED:
                due = min(self._busy_until, self._release_at)
            case RadioState.WAITING:
                due = self._release_at
            case RadioState.IDLE if self.conditions is not None:
                period = self._around.update_period() or self.conditions.updates
                self._update_timer = self._schedule.timer(period, self.update)
                return
            case _:
                return
        self._timer = self._schedule.timer(due - now, self._step)

    def _enter(self, state: RadioState) -> None:
        if state is self.state:
            return
        self._settle()
        before, self.state = self.state, state
        self.on_state(state)
        if (before in CONNECTED_STATES) is not (state in CONNECTED_STATES):
            self.on_connected(state in CONNECTED_STATES)

    def _settle(self) -> None:
        """Count the time and energy of the state so far."""
        now = self._schedule.now()
        if self.on and self._since is not None:
            watts = read_watts(self._around.watts).of(self.state, self.level, asleep=self._around.sleeps_lightly())
            self.account.spend(self.state, now - self._since, watts)
        self._since = now

    def _draw_level(self) -> None:
        part = self._part("level")
        self._settle()
        below = 0.0
        for level in range(LEVELS):
            below += self._conditions.levels[level]
            if part < below:
                self.level = level
                break
        self.on_level(self.level, round(_signal(self.level).at(self._part("signal"))))

    def _draw_trip(self) -> None:
        """Draw the round trip of a connection that no datagram of the module begins: its release depends on one."""
        self._trip = self._conditions.from_idle[self.level](self._part("round trip without a datagram"), 0)

    def _transfer(self, size: int) -> float:
        return max(0, size - rows.ROUND_TRIP_SIZES[0]) * SECONDS_A_BYTE

    def _chance(self, name: str, percent: str, part: float) -> bool:
        return self._part(name) < (float(percent) / 100 if percent else part)

    def _part(self, name: str) -> float:
        """Throw the dice of one thing; those of another don't change it."""
        if name not in self._dice:
            self._dice[name] = random.Random(f"{self.seed} {name}")  # noqa: S311 (a dice for the network, no secret)
        return self._dice[name].random()


def _signal(level: int) -> Quantiles:
    return rows.SIGNAL[level]
