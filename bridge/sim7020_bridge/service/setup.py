"""The page before there is a configuration: it leads to one, and ends once it is written."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.environment import without_modems
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import DEFAULT_BASE_TOPIC, PASSWORDS
from sim7020_bridge.config.writing import Draft, Keys, written
from sim7020_bridge.http.listener import is_loopback
from sim7020_bridge.http.passwords import PasswordsUnreadable, hashed, read_passwords, write_passwords
from sim7020_bridge.http.role import Role
from sim7020_bridge.page import administration_routes, broker_trial, ports, probing, setting_up
from sim7020_bridge.page.broker_trial import BrokerTrial
from sim7020_bridge.page.page import Page
from sim7020_bridge.page.ports import Ports
from sim7020_bridge.page.probing import Probing
from sim7020_bridge.page.session import About
from sim7020_bridge.page.setting_up import SettingUp
from sim7020_bridge.service.service import has_terminal
from sim7020_bridge.service.systemd import Notifier

log: Final = logging.getLogger(__name__)

ALIVE_EVERY: Final = 60.0
"""Seconds between two signs of life, if the service manager does not want more."""

_TURNS: Final = 3
"""Of the event loop: to read that there was a signal, to plan its handler, and to run that."""

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that looks like another one."""


class Setup:
    """Serves the page until a configuration is written, or a signal ends it.

    Whoever comes from another computer needs a password: the page's, or a code that is logged and holds so long.

    Args:
        file: Where the configuration goes.
        http: What it will say of the page's port; what the environment says of that counts already.

    Raises:
        ConfigurationError: The environment has mistakes, or there is no directory for the state.
    """

    def __init__(self, file: Path, http: Keys, *, notifier: Notifier | None = None) -> None:
        draft = Draft({"host": "localhost"}, "modem", {"port": "/dev/null"}, {}, http)
        reading = read(file, without_modems(os.environ), text=written(draft, file.name))
        settings = reading.settings
        if settings.http is None:
            raise ValueError("the page has no port")
        self._file = file
        self._keys = http
        self._http = settings.http
        self._passwords = settings.page_passwords
        self._broker = settings.mqtt if ("mqtt", "host") in reading.given else None
        self._notifier = notifier or Notifier()
        self._over = asyncio.Event()
        self._written = self._stopped = False

    async def run(self) -> bool:
        """Return whether there is a configuration to run by; signals wait from then on, for whoever does.

        Raises:
            OSError: It can't listen there.
        """
        with TemporaryDirectory(prefix="sim7020-bridge-") as folder:
            async with _signals(self._stop):
                await self._serve(Path(folder))
        return self._written and not self._stopped

    async def _serve(self, folder: Path) -> None:
        passwords, code = self._passwords, None
        if not is_loopback(_in_brackets(self._http.host)) and not await in_a_thread(partial(_has_any, passwords)):
            code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))
            passwords = folder / PASSWORDS
            await in_a_thread(partial(_keep, passwords, code))
        async with self._page(passwords, code).serve() as port:
            if self._http.ingress is not None:
                log.info("open the app's page in Home Assistant to set the bridge up")
            else:
                log.info("open http://%s:%d in a browser to set the bridge up", _reached_at(self._http.host), port)
            if code is not None:
                log.warning("the password there is %s until the configuration is written", code)
            self._notifier.ready()
            self._notifier.status("waits for its configuration")
            await self._wait()

    def _page(self, passwords: Path, code: str | None) -> Page:
        listed = Ports(dict)
        setting = SettingUp(self._file, http=self._keys, given=self._broker, password=code is not None, done=self._done)
        about = About(modems=(), base_topic=DEFAULT_BASE_TOPIC, setup=True)
        made = {
            **ports.handlers(listed),
            **probing.handlers(Probing(listed)),
            **broker_trial.handlers(BrokerTrial(self._file)),
        }
        parts = (
            partial(administration_routes.made_routes, handlers=made),
            partial(setting_up.routes, setting_up=setting),
        )
        return Page(self._http, passwords=passwords, about=lambda: about, pages={}, parts=parts)

    def _stop(self) -> None:
        self._stopped = True
        self._over.set()

    def _done(self) -> None:
        self._written = True
        self._over.set()

    async def _wait(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(ALIVE_EVERY, self._notifier.watchdog_interval or ALIVE_EVERY)):
                    await self._over.wait()
            self._notifier.alive()


@contextlib.asynccontextmanager
async def _signals(stop: Callable[[], None]) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    at_terminal = has_terminal()

    def hang_up() -> None:
        if at_terminal and not has_terminal():
            stop()

    handlers = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGHUP: hang_up,
        signal.SIGUSR1: _nothing,
        signal.SIGUSR2: _nothing,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handlers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
        # one that came before is on its way through the loop
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for number in handlers:
            loop.remove_signal_handler(number)
            signal.signal(number, _keep_for_later)


def _keep_for_later(number: int, _frame: FrameType | None) -> None:
    """Have a signal wait for whoever unblocks it: another thread, which may still be ending, does not block it."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, number)


def _nothing() -> None:
    """Do nothing: there is no dialogue to be traced yet."""


def _has_any(passwords: Path) -> bool:
    """Whether somebody could log in who may do everything; whoever can't read the file will be told."""
    try:
        return Role.FULL in read_passwords(passwords)
    except PasswordsUnreadable:
        return True


def _keep(file: Path, code: str) -> None:
    write_passwords(file, {Role.FULL: hashed(code)})


def _reached_at(host: str) -> str:
    """Return what other computers call this one; nobody can open the address that stands for all that it has."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not listened at
        return socket.gethostname()
    return _in_brackets(host)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
