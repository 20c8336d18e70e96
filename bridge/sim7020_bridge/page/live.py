"""What goes on with all modems, kept and told for the page for as long as the bridge runs."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.page.feed import Feed
from sim7020_bridge.page.history import COLUMNS, History
from sim7020_bridge.page.log import LogLine, LogLines
from sim7020_bridge.page.messages import Changes
from sim7020_bridge.page.minutes import MINUTE
from sim7020_bridge.page.pieces import in_json, in_pieces
from sim7020_bridge.page.shown import Bridge, Shown

FILE: Final = "page.history"
"""The name of the history's file."""

RECALLED_WITHIN: Final = 10.0
"""Seconds that what was told waits for the messages of an earlier run."""

LATE: Final = 1.0
"""Seconds by which a row may be late without making the next one late, too."""


class Live:
    """All modems of a bridge.

    Args:
        modems: Their names.
        state_dir: Where the history is kept.
        clock: The time of day.
    """

    def __init__(self, modems: Sequence[str], state_dir: Path, *, clock: Clock = wall_clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._file = state_dir / FILE
        self.feed = Feed()
        self.log = LogLines(self._logged)
        self.modems: Mapping[str, Shown] = {name: Shown(name, self.feed, clock=clock, past=True) for name in modems}
        self.recalled: Final = asyncio.Event()
        """Set once the messages of an earlier run are there, or don't come."""
        self.one_answer: Final = asyncio.Lock()
        """Held while a long answer is worked up: of all that are asked for, one has its slice in a turn of the loop."""
        self._history: History | None = None

    async def run(self, bridges: Mapping[str, Bridge]) -> None:
        """Show these bridges, and write a row a minute, until cancelled."""
        self._history = history = History(self._file, tuple(self.modems))
        self.log.begin()
        for name, shown in self.modems.items():
            shown.begin(bridges[name])
        try:
            await self._recall(history)
            # where the wall clock's minutes end; from then on by the clock that does not jump
            due = self._loop.time() + MINUTE - self._clock().timestamp() % MINUTE
            while True:
                await asyncio.sleep(due - self._loop.time())
                due = max(due, self._loop.time() - LATE) + MINUTE
                self._end_minute(history)
        finally:
            for shown in self.modems.values():
                shown.work_up_all()
                shown.end()
            self.log.end()
            if self.recalled.is_set():
                history.keep({}, {}, {name: shown.messages.changes() for name, shown in self.modems.items()})
            await history.close()

    def wait_for_restart(self, keys: Sequence[str]) -> None:
        """Tell which keys of the configuration were changed and wait until the bridge is started again."""
        self.feed.tell("restart_needed", in_json({"keys": list(keys)}), key="restart_needed", empty=not keys)

    async def history(self, modem: str, span: str) -> bytes:
        """Return the rows and outages of a modem as the browser's JSON; see History.read."""
        if self._history is None:
            raise RuntimeError("the page has no history before it runs")
        past = await self._history.read(modem, span, self._clock().timestamp())
        # what is not over, or was not a minute ago, is known better here
        # of those that were not over when they were written, the modem knows better
        over = [each for each in past.outages if each.ended is not None]
        outages = {each.began: each for each in (*over, *self.modems[modem].minutes.outages)}
        documents = [outages[began].document() for began in sorted(outages)]
        async with self.one_answer:
            return await in_pieces("rows", past.rows, columns=COLUMNS, outages=documents, step=past.step)

    def _end_minute(self, history: History) -> None:
        rows = {name: shown.end_minute() for name, shown in self.modems.items()}
        messages = {name: shown.messages.changes() for name, shown in self.modems.items()}
        kept = history.keep(rows, {name: shown.minutes.outages for name, shown in self.modems.items()}, messages)
        kept.add_done_callback(partial(self._noted, messages))
        for shown in self.modems.values():
            shown.minutes.forget_outages()

    def _noted(self, messages: Mapping[str, Changes], kept: "asyncio.Future[bool]") -> None:
        if not kept.result():
            for name, changes in messages.items():
                self.modems[name].messages.not_kept(changes)

    async def _recall(self, history: History) -> None:
        """Have each modem begin with its messages of before; a disk that is too slow has them forgotten."""
        asked = {name: history.recall(name) for name in self.modems}
        await asyncio.wait(asked.values(), timeout=RECALLED_WITHIN)
        for name, shown in self.modems.items():
            shown.recall(asked[name].result() if asked[name].done() else ())
            await asyncio.sleep(0)
        self.recalled.set()

    def _logged(self, line: LogLine) -> None:
        if self.feed.wants("log"):
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(partial(self.feed.tell, "log", in_json(line.document())))
