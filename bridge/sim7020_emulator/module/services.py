"""What the module does over the network for itself: names, pings, time."""

import asyncio
from collections.abc import Callable

from sim7020_emulator.module.clock import LocalTime
from sim7020_emulator.schedule import Schedule
from sim7020_emulator.sockets.internet import Internet, NameNotResolved

NETWORK_ERROR = 3
"""+CDNSGIP's failure code while there is no bearer."""


class NetworkServices:
    """The services behind +CDNSGIP, +CIPPING and +CSNTPSTART; each reports its result later.

    Args:
        report: Emits an unsolicited line.
        online: Says whether there is a PDN.
        active: Called for each packet, for the power saving timers.
        time: Returns what a time server says.
    """

    def __init__(
        self,
        schedule: Schedule,
        internet: Internet,
        *,
        report: Callable[[str], None],
        online: Callable[[], bool],
        active: Callable[[], None],
        time: Callable[[], LocalTime],
        set_clock: Callable[[LocalTime], None],
    ) -> None:
        self._schedule = schedule
        self._internet = internet
        self._report = report
        self._online = online
        self._active = active
        self._time = time
        self._set_clock = set_clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._time_query: asyncio.Task[None] | None = None
        self.pinging = False

    def forget(self) -> None:
        """Stop everything, as a reset does."""
        for task in tuple(self._tasks):
            task.cancel()
        self._tasks.clear()
        self.stop_time_query()
        self.pinging = False

    def query_time(self, host: str, zone: str) -> None:
        """Ask a time server; the report follows, and the clock is set."""
        self.stop_time_query()
        self._time_query = self._schedule.start(self._query_time(host, zone), "time query")

    def stop_time_query(self) -> None:
        """Stop asking."""
        if self._time_query is not None:
            self._time_query.cancel()
            self._time_query = None

    def resolve(self, name: str) -> None:
        """Resolve a name; the report follows."""
        self._keep(self._schedule.start(self._resolve(name), "resolve"))

    def ping(self, address: str, *, count: int, limit: int) -> None:
        """Ping; a report follows for each echo. ``limit`` is in units of 100 ms."""
        self.pinging = True
        self._keep(self._schedule.start(self._ping(address, count=count, limit=limit), "ping"))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _query_time(self, host: str, zone: str) -> None:
        await self._schedule.pause(self._schedule.timing.sntp)
        if isinstance(self._internet.names.get(host.lower()), int):
            return
        now = self._time()
        if zone:
            now = now.in_zone(int(zone))
        self._set_clock(now)
        self._active()
        milliseconds = now.local.microsecond // 1000
        self._report(f"+CSNTP: {now.local:%y/%m/%d,%H:%M:%S}:{milliseconds:03d}{zone}")

    async def _resolve(self, name: str) -> None:
        await self._schedule.pause(self._schedule.timing.resolve)
        if not self._online():
            self._report(f"+CDNSGIP: 0,{NETWORK_ERROR}")
            return
        self._active()
        try:
            addresses = await self._internet.resolve(name)
        except NameNotResolved as failure:
            self._report(f"+CDNSGIP: 0,{failure.code}")
            return
        self._report(f'+CDNSGIP: 1,"{name}",' + ",".join(f'"{address}"' for address in addresses))

    async def _ping(self, address: str, *, count: int, limit: int) -> None:
        try:
            for sequence in range(count):
                self._active()
                echo = self._internet.echo(address, sequence)
                lost = echo.time is None or echo.time > limit or not self._online()
                time, ttl = (limit, 0) if lost or echo.time is None else (echo.time, echo.ttl)
                await self._schedule.pause(time * 0.1)
                self._report(f"+CIPPING: {sequence + 1},{address},{time},{ttl}")
                await self._schedule.pause(self._schedule.timing.ping_interval)
        finally:
            self.pinging = False
