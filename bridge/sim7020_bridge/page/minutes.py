"""One row a minute of how a modem was, and the outages between."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sim7020_bridge.modem.state import Layer

LAYERS: Final = (
    Layer.PORT,
    Layer.AT,
    Layer.SIM,
    Layer.RADIO,
    Layer.REGISTRATION,
    Layer.PDN,
    Layer.SLEEPING,
    Layer.ONLINE,
)
"""The lowest first; a modem that sleeps as it should is as good as online, and has not been lower."""

WELL: Final = frozenset({Layer.SLEEPING, Layer.ONLINE})

MINUTE: Final = 60.0

WHOLE: Final = 55.0
"""Seconds that a minute has at least, by a clock on the wall that is corrected meanwhile."""

SHORTEST: Final = 1.0
"""Seconds without a link that are an outage: of less the page, which knows whole ones, would show a moment."""


SET: Final = 2.0
"""Seconds by which two clocks differ if one was set: of less, being corrected bit by bit is the reason."""


class Row(NamedTuple):
    """A minute of a modem.

    Args:
        time: When it began, in seconds since 1970.
        rssi: In dBm, as rsrp; None is not known.
        rsrp: As the contract's ``state`` has it at the end of the minute, as what follows.
        rsrq: In dB, as sinr.
        sinr: Signal to interference and noise ratio.
        ecl: Coverage enhancement level.
        online: Seconds in which it was online, or asleep as it should be; None if the bridge did not see it all.
        layer: The lowest that the link stood at, as its place in LAYERS.
        waiting: Messages in the outbox.
        sent: Messages that the module took in this minute, as what follows but the last.
        received: Messages that came.
        failed: Messages that won't be sent.
        up: Bytes, headers included.
        down: The same the other way.
        voltage: Of the supply, in volts.
    """

    time: int
    rssi: float | None
    rsrp: float | None
    rsrq: float | None
    sinr: float | None
    ecl: int | None
    online: float | None
    layer: int
    waiting: int
    sent: int
    received: int
    failed: int
    up: int
    down: int
    voltage: float | None

    def document(self) -> dict[str, object]:
        """Return it for the browser."""
        return {**self._asdict(), "layer": LAYERS[self.layer]}


@dataclass(slots=True)
class Outage:
    """A time without a link, in seconds since 1970; ``layer`` is where it stood longest, as its place in LAYERS."""

    began: float
    layer: int
    ended: float | None = None

    def document(self) -> dict[str, object]:
        """Return it for the browser."""
        ended = None if self.ended is None else round(self.ended)
        return {"from": round(self.began), "to": ended, "layer": LAYERS[self.layer]}


class Minutes:
    """Counts what happens to one modem, minute by minute.

    Args:
        elapsed: Seconds since some start, by which is measured.
        now: Seconds since 1970, which may jump.
    """

    def __init__(self, elapsed: Callable[[], float], now: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._now = now
        self._layer = Layer.PORT
        self._began = self._since = elapsed()
        self._online = 0.0
        self._lowest = 0
        self._sent = self._received = self._failed = 0
        self._before = (0, 0)
        self._out = self._since
        self._told = False
        self._stood: defaultdict[int, float] = defaultdict(float)
        self.outages: list[Outage] = [Outage(now(), 0)]
        """Those that are new or not over, or ended since the last row."""

    def begin(self, state: Mapping[str, Any]) -> None:
        """Count from what was used before; ``state`` is the contract's."""
        self._before = _used(state)

    def stands_at(self, layer: Layer) -> None:
        """Note where the link stands now."""
        self._pass_time()
        height = LAYERS.index(layer)
        self._lowest = min(self._lowest, height)
        last = self.outages[-1] if self.outages else None
        if last is None or last.ended is not None:
            if layer not in WELL:
                self.outages.append(Outage(self._now(), height))
                self._out, self._told = self._elapsed(), False
                self._stood.clear()
        elif layer in WELL:
            last.ended = last.began + max(0.0, self._elapsed() - self._out)
            if self._elapsed() - self._out < SHORTEST and not self._told:
                self.outages.pop()
        self._layer = layer
        self._find_layer()

    def sent(self) -> None:
        """Count a message that the module took."""
        self._sent += 1

    def failed(self) -> None:
        """Count a message that won't be sent."""
        self._failed += 1

    def received(self) -> None:
        """Count a message that came."""
        self._received += 1

    def row(self, state: Mapping[str, Any]) -> Row:
        """End a minute, and return what it was like; ``state`` is the contract's."""
        self._pass_time()
        signal, total, before = state["signal"], _used(state), self._before
        row = Row(
            # to the nearest: a clock that is corrected bit by bit skips no minute
            time=round((self._now() - MINUTE) / MINUTE) * int(MINUTE),
            rssi=signal["rssi"],
            rsrp=signal["rsrp"],
            rsrq=signal["rsrq"],
            sinr=signal["sinr"],
            ecl=signal["ecl"],
            online=round(min(self._online, MINUTE), 1) if self._since - self._began >= WHOLE else None,
            layer=self._lowest,
            waiting=state["outbox"]["messages"],
            sent=self._sent,
            received=self._received,
            failed=self._failed,
            up=max(0, total[0] - before[0]),
            down=max(0, total[1] - before[1]),
            voltage=state["power"]["voltage"],
        )
        self._began = self._since
        self._online, self._lowest, self._before = 0.0, LAYERS.index(self._layer), total
        self._sent = self._received = self._failed = 0
        return row

    def forget_outages(self) -> None:
        """Keep only the one that is not over: all of them were written down."""
        self.outages = [outage for outage in self.outages if outage.ended is None]
        self._told = True

    def _pass_time(self) -> None:
        now = self._elapsed()
        if self._layer in WELL:
            self._online += now - self._since
        else:
            self._stood[LAYERS.index(self._layer)] += now - self._since
        self._since = now
        self._find_beginning()
        self._find_layer()

    def _find_beginning(self) -> None:
        """Have the outage that is not over begin when it did by the clock that there is now, if somebody set it."""
        if self.outages and self.outages[-1].ended is None:
            began = self._now() - (self._elapsed() - self._out)
            if abs(began - self.outages[-1].began) > SET:
                self.outages[-1].began = began

    def _find_layer(self) -> None:
        """Have the outage that is not over say where the link has stood longest, the lowest of several."""
        if self._layer in WELL or not self.outages or self.outages[-1].ended is not None:
            return
        self._stood[LAYERS.index(self._layer)] += 0
        self.outages[-1].layer = min(self._stood, key=lambda height: (-self._stood[height], height))


def _used(state: Mapping[str, Any]) -> tuple[int, int]:
    total = state["usage"]["total"]
    return total["up"], total["down"]
