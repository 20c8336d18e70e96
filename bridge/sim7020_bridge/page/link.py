"""How long each layer of the link took when the modem was brought up last."""

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
        """When the step began that goes on."""
        self._taken: list[float] = []
        self._whole = False

    def take(self, state: ModemState) -> bool:
        """Take in how the link stands now; say whether that changed anything."""
        height = _HEIGHTS.get(state.link.layer, len(LAYERS))
        if height == len(self._taken):
            return False
        now = self._elapsed()
        if height < len(self._taken):
            if self._whole:
                # it was up: what holds still has cost nothing this time
                self._since, self._taken = self._clock(), [0.0] * height
            del self._taken[height:]
        else:
            self._taken += [now - self._began, *[0.0] * (height - len(self._taken) - 1)]
        self._began = now
        self._whole = height == len(LAYERS)
        return True

    def document(self) -> dict[str, object]:
        """Return how many seconds each step took, None for those that are not done, and when it began."""
        steps = [
            {"layer": layer, "seconds": round(self._taken[height], 3) if height < len(self._taken) else None}
            for layer, height in _HEIGHTS.items()
        ]
        return {"steps": steps, "since": rfc3339(self._since)}
