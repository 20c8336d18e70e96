"""Remembers over restarts when the module was made to attach: the network goes on counting."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sim7020_bridge.clock import Clock
from sim7020_bridge.modem.kept_file import replace_file

log: Final = logging.getLogger(__name__)


class AttachMemory:
    """One modem's attach attempts, in a file.

    Times are seconds ago, by the host's clock. One that lies ahead, as on a host that starts with a wrong clock, counts
    as made now.

    Args:
        file: Where they are kept.
        clock: Tells the time.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def load(self) -> tuple[list[float], bool]:
        """Return the attempts, oldest first, and whether a person ended the bridge that made the last of them.

        What can't be read counts as none.
        """
        now = self._clock().timestamp()
        try:
            kept = json.loads(self._file.read_bytes())
            return [max(0.0, now - float(at)) for at in kept["attempts"]], kept["ended"] is True
        except FileNotFoundError:
            return [], False
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.error("cannot read %s (%s); earlier attach attempts are forgotten", self._file, error)
            return [], False

    def keep(self, attempts: Iterable[float], *, ended: bool = False) -> None:
        """Write the attempts down, and whether the bridge is ended by a person; without any there is no file."""
        now = self._clock().timestamp()
        kept = {"attempts": [round(now - ago, 1) for ago in attempts], "ended": ended}
        try:
            if kept["attempts"]:
                replace_file(self._file, json.dumps(kept).encode())
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.error("cannot write %s (%s); a restart would forget the attach attempts", self._file, error)
