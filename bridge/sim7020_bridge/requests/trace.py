"""The request ``trace``: one modem's AT dialogue in the log, for a while."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from sim7020_bridge import logs
from sim7020_bridge.requests.body import Data, RequestBody, Verb

log: Final = logging.getLogger(__name__)

LONGEST: Final = 24 * 3600
"""Seconds; a log must not fill a disk because somebody forgot."""

USUAL: Final = 600
"""Seconds, unless the request says otherwise."""


class TraceRequest:
    """Switches the trace of a modem on and, after the time that was asked for, off again."""

    def __init__(self, modem: str) -> None:
        self._modem = modem
        self._end: asyncio.TimerHandle | None = None

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The verb, and what carries it out."""
        return {"trace": self._trace}

    def stop(self) -> None:
        """Switch it off."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
            logs.trace(self._modem, on=False)

    async def _trace(self, body: RequestBody) -> Data:
        seconds = body.integer("seconds", minimum=0, maximum=LONGEST, default=USUAL)
        self.stop()
        if seconds:
            logs.trace(self._modem, on=True)
            self._end = asyncio.get_running_loop().call_later(seconds, self.stop)
        log.info("AT trace %s", f"on for {seconds} s" if seconds else "off")
        return {"seconds": seconds}
