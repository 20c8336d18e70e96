"""What the module does over the network for itself: names, pings, time."""

import asyncio
import math
from collections.abc import Callable

from sim7020_emulator.field.field import Field
from sim7020_emulator.module.clock import LocalTime
from sim7020_emulator.schedule import Schedule
from sim7020_emulator.sockets.host import UDP_HEADERS
from sim7020_emulator.sockets.internet import DNS_COMMON_ERROR, Echo, Internet, NameNotResolved

_NAME_BYTES, _ANSWER_BYTES, _TIME_BYTES = 34, 50, 48
"""Payload of a question for a name's address, of its answer, and of an SNTP packet."""

_REPETITIONS = (5.0, 5.0, 5.0, 5.0)
"""Seconds that each of the tries waits for its answer: ours, no source has the module's."""

NETWORK_ERROR = 3
"""+CDNSGIP's failure code while there is no bearer."""


class NetworkServices:
    """The services behind +CDNSGIP, +CIPPING and +CSNTPSTART; each reports its result later.

    Args:
        report: Emits an unsolicited line.
        online: Says whether there is a PDN.
        active: Called for each packet, for the power saving timers.
        time: Returns what a time server says.
        field: Says how long a request takes and whether it is lost.
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
        field: Field,
    ) -> None:
        self._schedule = schedule
        self._field = field
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

    def ping(self, address: str, *, count: int, size: int, limit: int) -> None:
        """Ping; a report follows for each echo. ``limit`` is in units of 100 ms."""
        self.pinging = True
        self._keep(self._schedule.start(self._ping(address, count=count, size=size, limit=limit), "ping"))

    async def ask_name(self) -> bool:
        """Let what a name server needs pass; say whether its answer came."""
        return await self._ask(self._schedule.timing.resolve, _NAME_BYTES, _ANSWER_BYTES)

    async def _ask(self, usual: float, up: int, down: int) -> bool:
        if not self._field.on:
            await self._schedule.pause(usual)
            return True
        for wait in _REPETITIONS:
            if (seconds := self._field.exchange(up, down, UDP_HEADERS)) is not None:
                await self._schedule.pause(seconds)
                return True
            await self._schedule.pause(wait)
        return False

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _query_time(self, host: str, zone: str) -> None:
        if not await self._ask(self._schedule.timing.sntp, _TIME_BYTES, _TIME_BYTES):
            return
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
        found = await self.ask_name()
        if not self._online():
            self._report(f"+CDNSGIP: 0,{NETWORK_ERROR}")
            return
        self._active()
        if not found:
            self._report(f"+CDNSGIP: 0,{DNS_COMMON_ERROR}")
            return
        try:
            addresses = await self._internet.resolve(name)
        except NameNotResolved as failure:
            self._report(f"+CDNSGIP: 0,{failure.code}")
            return
        self._report(f'+CDNSGIP: 1,"{name}",' + ",".join(f'"{address}"' for address in addresses))

    def _echo(self, address: str, sequence: int, size: int) -> Echo:
        """Return the answer to a ping: as the table has it, or as the field lets it through."""
        echo = self._internet.echo(address, sequence)
        if not self._field.on or address in self._internet.pings:
            return echo
        seconds = self._field.exchange(size, size, UDP_HEADERS)
        lost = seconds is None or echo.time is None
        return Echo(None) if lost or seconds is None else Echo(math.ceil(seconds * 10), echo.ttl)

    async def _ping(self, address: str, *, count: int, size: int, limit: int) -> None:
        try:
            for sequence in range(count):
                self._active()
                echo = self._echo(address, sequence, size)
                lost = echo.time is None or echo.time > limit or not self._online()
                time, ttl = (limit, 0) if lost or echo.time is None else (echo.time, echo.ttl)
                await self._schedule.pause(time * 0.1)
                self._report(f"+CIPPING: {sequence + 1},{address},{time},{ttl}")
                await self._schedule.pause(self._schedule.timing.ping_interval)
        finally:
            self.pinging = False
