"""The bridge as a service of the system: signals, configuration read again, health told, an end in good order."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim7020_bridge import logs
from sim7020_bridge.config.changes import changes
from sim7020_bridge.config.model import HttpSettings, ModemSettings, Settings
from sim7020_bridge.errors import AlreadyRunning, ConfigurationError, Mistake, StorageFailed
from sim7020_bridge.http.pages import Page, Pages, serve
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.database import path_of
from sim7020_bridge.service.bridge import Bridge
from sim7020_bridge.service.health import Snapshot, health_document
from sim7020_bridge.service.metrics import CONTENT_TYPE, exposition
from sim7020_bridge.service.session_name import SessionName
from sim7020_bridge.service.systemd import Notifier

if TYPE_CHECKING:
    from sim7020_bridge.page.administration_routes import Handlers
    from sim7020_bridge.page.live import Live
    from sim7020_bridge.page.session import About

log: Final = logging.getLogger(__name__)
reply: Final = logs.replies(log)

STATUS_EVERY: Final = 2.0
"""Seconds between two looks at what the service manager is told."""

LISTEN_AGAIN: Final = 30.0
"""Seconds before an HTTP port that was taken is tried again."""


Load = Callable[[str | None], Awaitable[Settings]]


class Service:
    """All configured modems, from the start to a signal that ends it.

    Args:
        file: The configuration.
        load: Reads it again, or a text in its place; raises ConfigurationError.
        begun: Called once no other bridge on this machine has the sessions, before anything else is done.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        file: Path,
        load: Load,
        begun: Callable[[], None] = lambda: None,
        notifier: Notifier | None = None,
    ) -> None:
        self._settings = settings
        self._file = file
        self._load = load
        self._begun = begun
        self._notifier = notifier or Notifier()
        prefix = settings.home_assistant_discovery
        # of all modems: none gains another's topic by naming it
        self._response_topics = ResponseTopics(settings.mqtt, settings.modems, discovery_prefix=prefix)
        self._live = _live(settings)
        self._bridges = [
            Bridge(
                settings.mqtt,
                modem,
                state_dir=settings.state_dir,
                discovery_prefix=prefix,
                response_topics=self._response_topics,
                observer=None if self._live is None else self._live.modems[modem.name],
            )
            for modem in settings.modems
        ]
        self._names = [
            SessionName(
                settings.mqtt,
                modem.client_id or Topics(settings.mqtt.base_topic, modem.name).client_id,
                path_of(settings.state_dir, modem.name),
            )
            for modem in settings.modems
        ]
        self._running: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._at_terminal = has_terminal()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; a second one ends the process at once.

        Raises:
            AlreadyRunning: Another bridge on this machine has one of these sessions; nothing was done.
            OutboxInUse: Another bridge runs with one of these outboxes; nothing was done.
        """
        with _signals(self):
            await self._open()
            async with asyncio.TaskGroup() as tasks:
                self._running = [tasks.create_task(bridge.run(), name="bridge") for bridge in self._bridges]
                others = [
                    tasks.create_task(self._tell(), name="service manager"),
                    tasks.create_task(self._read_again(), name="reload"),
                ]
                if self._live is not None:
                    shown = {bridge.settings.name: bridge for bridge in self._bridges}
                    others.append(tasks.create_task(self._live.run(shown), name="page"))
                if self._settings.http is not None:
                    others.append(tasks.create_task(self._serve(self._settings.http), name="http"))
                self._notifier.ready()
                await self._stop.wait()
                reply.info("stopping; a second signal ends the bridge at once")
                self._notifier.stopping()
                await asyncio.gather(*(bridge.finish(self._settings.shutdown_timeout) for bridge in self._bridges))
                for task in (*self._running, *others):
                    task.cancel()
            self._release()

    async def _open(self) -> None:
        try:
            for name in self._names:
                await name.take()
            self._begun()
            opening = [asyncio.create_task(bridge.open(), name="open") for bridge in self._bridges]
            failures = [done for done in await asyncio.gather(*opening, return_exceptions=True) if done is not None]
            if failures:
                raise failures[0]
        except (AlreadyRunning, StorageFailed) as error:
            if isinstance(error, AlreadyRunning):
                log.error("%s", error)
            self._release()
            await asyncio.gather(*(bridge.close() for bridge in self._bridges))
            raise

    def _release(self) -> None:
        for name in self._names:
            name.release()

    def stop(self) -> None:
        """End in good order; from now on, signals end the process as they do by default."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        self._stop.set()

    def hang_up(self) -> None:
        """Read the configuration again, soon; but if it was the terminal that was closed, end."""
        if self._at_terminal and not has_terminal():
            self.stop()
        else:
            self._reload.set()

    def trace(self, *, on: bool) -> None:
        """Log the AT dialogue, or no longer."""
        logs.trace(None, on=on)
        reply.info("AT trace %s", "on" if on else "off")

    async def _read_again(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            await self.reload()

    async def reload(self) -> Sequence[Mistake]:
        """Read the configuration again; return what is wrong with it, whereupon the old one stays in force."""
        async with self._reloading:
            self._notifier.reloading()
            try:
                await self._apply(await self._load(None))
            except ConfigurationError as error:
                reply.error("the new configuration has mistakes, so the old one stays in force")
                for line in str(error).splitlines():
                    reply.error("%s", line)
                return error.mistakes
            finally:
                self._notifier.ready()
            return ()

    async def _apply(self, new: Settings) -> None:
        """Put into force what can be while the modems stay attached, and name what can't."""
        old = self._settings
        waiting = changes(old, new).restart
        for key in waiting:
            reply.warning("%s was changed, and needs a restart to come into force", key)
        if self._live is not None:
            self._live.wait_for_restart(waiting)
        if new.logging != old.logging:
            logs.log_to_stderr(new.logging)
        # what the change itself ends has receipts: they go by both, for a moment
        self._response_topics.change((*old.modems, *new.modems))
        modems = {modem.name: modem for modem in new.modems}
        for bridge in self._bridges:
            modem = modems.get(bridge.settings.name)
            if modem is not None and modem.sockets != bridge.settings.sockets:
                # a task of its own, whose log lines name the modem
                await asyncio.create_task(bridge.change(modem.sockets), name="reload")
                reply.info("modem %s: its sockets are now %s", modem.name, _names(modem))
        self._settings = replace(
            old,
            logging=new.logging,
            shutdown_timeout=new.shutdown_timeout,
            modems=tuple(bridge.settings for bridge in self._bridges),
        )
        self._response_topics.change(self._settings.modems)
        reply.info("the configuration was reloaded")

    async def _tell(self) -> None:
        """Tell the service manager how the modems are, and that they are looked after."""
        interval = self._notifier.watchdog_interval
        told = ""
        while True:
            status = "; ".join(snapshot.words for snapshot in self._snapshots())
            if status != told:
                self._notifier.status(status)
                told = status
            if interval is not None and not any(task.done() for task in self._running):
                self._notifier.alive()
            await asyncio.sleep(STATUS_EVERY if interval is None else min(interval, STATUS_EVERY))

    async def _serve(self, settings: HttpSettings) -> None:
        pages: Pages = {"/health": self._health, "/metrics": self._metrics}
        what = "the page, health and metrics are" if settings.page else "health and metrics are"
        scheme = "http" if settings.tls is None else "https"
        while True:
            try:
                async with self._server(settings, pages) as port:
                    log.info("%s at %s://%s:%d", what, scheme, settings.host, port)
                    await asyncio.Event().wait()
            except OSError as error:
                log.error("the HTTP port can't be opened: %s", error)
            await asyncio.sleep(LISTEN_AGAIN)

    def _server(self, settings: HttpSettings, pages: Pages) -> AbstractAsyncContextManager[int]:
        if self._live is None:
            return serve(settings.host, settings.port, pages)
        from sim7020_bridge.page import administration_routes, live_routes  # noqa: PLC0415
        from sim7020_bridge.page.page import Page as WholePage  # noqa: PLC0415

        administration = administration_routes.Deferred(partial(self._administration, self._live))
        page = WholePage(
            settings,
            passwords=self._settings.page_passwords,
            about=self._about,
            pages=pages,
            parts=(
                partial(live_routes.routes, live=self._live),
                partial(administration_routes.routes, handlers=administration),
            ),
        )
        return page.serve()

    def _administration(self, live: "Live") -> "Handlers":
        from sim7020_bridge.page.administration import Administration  # noqa: PLC0415

        return Administration(
            self._file,
            load=self._load,
            in_force=lambda: self._settings,
            reload=self.reload,
            live=live,
            modems=lambda: {bridge.settings.name: bridge.settings.port for bridge in self._bridges},
        ).handlers

    def _about(self) -> "About":
        from sim7020_bridge.page.session import About  # noqa: PLC0415

        settings = self._settings
        return About(modems=[modem.name for modem in settings.modems], base_topic=settings.mqtt.base_topic)

    def _snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(bridge.snapshot() for bridge in self._bridges)

    def _health(self) -> Page:
        document = health_document(self._snapshots())
        status = HTTPStatus.OK if document["healthy"] else HTTPStatus.SERVICE_UNAVAILABLE
        return Page("application/json", json.dumps(document).encode() + b"\n", status)

    def _metrics(self) -> Page:
        return Page(CONTENT_TYPE, exposition(self._snapshots()))


def _live(settings: Settings) -> "Live | None":
    if settings.http is None or not settings.http.page:
        return None
    # only where it is wanted: it takes memory
    from sim7020_bridge.page.live import Live  # noqa: PLC0415

    return Live([modem.name for modem in settings.modems], settings.state_dir)


@contextlib.contextmanager
def _signals(service: Service) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handlers = {
        signal.SIGTERM: service.stop,
        signal.SIGINT: service.stop,
        signal.SIGHUP: service.hang_up,
        signal.SIGUSR1: lambda: service.trace(on=True),
        signal.SIGUSR2: lambda: service.trace(on=False),
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    # what came while the program started is heard now
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
    try:
        yield
    finally:
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            loop.remove_signal_handler(number)


def has_terminal() -> bool:
    """Whether somebody could press Ctrl-C."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _names(modem: ModemSettings) -> str:
    return ", ".join(socket.name for socket in modem.sockets) or "none"
