"""How long each layer of the link took when the modem was brought up last."""

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sim7020_bridge.clock import rfc3339
from sim7020_bridge.modem.state import Layer, ModemState

LAYERS: Final = (Layer.PORT, Layer.AT, Layer.SIM, Layer.RADIO, Layer.REGISTRATION, Layer.PDN)
"""The steps of a bring-up, in order."""

_HEIGHTS: Final = {layer: height for height, layer in enumerate(LAYERS)}


class BringUp:
    """The last bring-up of one modem, or the one that goes on.

    Args:
        elapsed: Seconds since some start.
        clock: The time of day.
    """

    def __init__(self, elapsed: Callable[[], float], clock: Callable[[], datetime]) -> None:
        self._elapsed = elapsed
        self._clock = clock
        self._since = clock()
        self._began = elapsed()
        self._reached: list[float] = []
        self._whole = False

    def take(self, state: ModemState) -> bool:
        """Take in how the link stands now; say whether that changed anything."""
        height = _HEIGHTS.get(state.link.layer, len(LAYERS))
        if height == len(self._reached):
            return False
        now = self._elapsed()
        if height < len(self._reached):
            if self._whole:
                # it was up: what holds still has cost nothing this time
                self._whole, self._since, self._began, self._reached = False, self._clock(), now, []
            del self._reached[height:]
        self._reached += [now] * (height - len(self._reached))
        self._whole = height == len(LAYERS)
        return True

    def document(self) -> dict[str, object]:
        """Return how many seconds each step took, None for those that are not done, and when it began."""
        ends = (self._began, *self._reached)
        taken = [round(end - begin, 3) for begin, end in itertools.pairwise(ends)]
        steps = [
            {"layer": layer, "seconds": taken[height] if height < len(taken) else None}
            for layer, height in _HEIGHTS.items()
        ]
        return {"steps": steps, "since": rfc3339(self._since)}
