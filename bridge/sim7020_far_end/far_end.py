"""The far end: everything put together, until it is told to stop."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_far_end.broker import Broker
from sim7020_far_end.modem import FarModem
from sim7020_far_end.reports import Reports
from sim7020_far_end.server import Server
from sim7020_far_end.settings import Settings
from sim7020_far_end.store import Store
from sim7020_far_end.topics import Topics

log: Final = logging.getLogger(__name__)


class FarEnd:
    """One far end, for any number of modems.

    Args:
        settings: What it is to do.
        clock: The time of day.
        timing: Durations of the broker's connection.
    """

    def __init__(self, settings: Settings, *, clock: Clock = wall_clock, timing: ClientTiming | None = None) -> None:
        self._settings = settings
        self._topics = Topics(settings.mqtt.base_topic)
        self._store = Store(settings.state_dir)

        def now() -> float:
            return clock().timestamp()

        self._reports = Reports(settings, self._topics, now)
        self._broker = Broker(
            settings.mqtt,
            self._topics,
            client_id=settings.client_id,
            take=self._take,
            connected=self._reports.say_all,
            timing=timing,
        )
        self._tasks = asyncio.TaskGroup()
        self._modems = {
            modem.name: FarModem(modem, self._topics, self._store, self._broker, self._reports, now, self._spawn)
            for modem in settings.modems
        }
        self._server = Server(self._modems.values(), self._spawn)

    async def run(self, ready: Callable[[int], None] = lambda _port: None) -> None:
        """Serve until cancelled.

        Args:
            ready: Called with the UDP port once it takes datagrams.

        Raises:
            StorageFailed: Its file can't be used.
            OSError: Its port can't be had.
        """
        try:
            await self._store.open()
            if self._store.is_copy:
                log.warning("%s is a copy: each modem is asked once to prove that its message is new", self._store.file)
            for modem in self._modems.values():
                await modem.open()
            await self._server.bind(*self._settings.listen)
            host, port, *_ = self._server.place
            async with self._tasks:
                self._reports.teller = self._broker
                self._spawn(self._broker.run(), "broker")
                self._spawn(self._reports.run(), "silence")
                await self._server.listen()
                log.info("listening at %s, UDP port %d, for %s", host, port, ", ".join(self._modems))
                ready(int(port))
        finally:
            self._server.close()
            await self._store.close()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            self._tasks.create_task(work, name=name)
        except RuntimeError:  # it is being stopped, and what is not done comes again
            work.close()

    async def _take(self, modem: str, payload: bytes) -> None:
        found = self._modems.get(modem)
        if found is None:
            log.warning("a command for %s was dropped: there is no such modem", modem)
            return
        await found.command(payload)
