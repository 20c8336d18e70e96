"""Who may in: passwords become sessions, and a session's cookie a role."""

import asyncio
import hashlib
import logging
import math
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Final

from sim7020_bridge.blocking import NoThread, in_a_thread
from sim7020_bridge.http.passwords import (
    LONGEST,
    Hash,
    Passwords,
    PasswordsUnreadable,
    Role,
    read_passwords,
)
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.tries import Tries
from sim7020_bridge.http.turns import NoTurn, Turns

log: Final = logging.getLogger(__name__)

MOST_SESSIONS: Final = 64
"""Sessions at the same time; the one that was not used for the longest ends for another."""

IDLE: Final = 12 * 3600.0
"""Seconds without a request after which a session ends."""

LONGEST_SESSION: Final = 7 * 24 * 3600.0
"""Seconds after which a session ends."""

LOOK_AGAIN: Final = 15.0
"""Seconds after which it is asked again whether somebody who stays may still be there."""

_TOKEN_BYTES: Final = 32
_NICE: Final = 10
_M_MMAP_THRESHOLD: Final = -3
"""As in glibc's malloc.h; once it is set, glibc no longer raises it by itself."""
_LARGE: Final = 1024 * 1024

CLOSED: Final = (
    "other computers can reach this, so it needs a password: run sim7020-bridge password on the bridge's computer"
)


@dataclass(slots=True, eq=False)
class Session:
    """Somebody who has logged in; in the loop's time."""

    role: Role
    made_with: Hash
    since: float
    used: float
    over: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request is from.

    Args:
        role: What they may do.
        session: None for who needs none, and for who has none.
        password: Whether there are passwords at all.
        local: They came from this machine itself.
    """

    role: Role
    session: Session | None
    password: bool
    local: bool


class Access:
    """The sessions of a page.

    Args:
        file: Where the passwords are.
        trusted: Whoever comes has been let in by somebody else: everybody may do everything.
    """

    def __init__(self, file: Path, *, trusted: bool = False) -> None:
        self._file = file
        self._trusted = trusted
        self._sessions: dict[bytes, Session] = {}
        self._tries = Tries()
        self._turns = Turns()
        self._known: tuple[object, Passwords | PasswordsUnreadable] | None = None
        self._asking = asyncio.Lock()
        self._staying: dict[Callable[[], None], Caller] = {}
        self._looking: asyncio.Task[None] | None = None

    async def caller(self, token: str | None, *, local: bool) -> Caller:
        """Tell who has a cookie; ``local`` is whoever needs none as long as there is no password.

        Raises:
            Refusal: Nobody may in: there is no password where one is needed, or the passwords can't be read.
        """
        if self._trusted:
            return Caller(Role.FULL, None, password=False, local=local)
        passwords = await self._passwords()
        if not passwords:
            if local:
                return Caller(Role.FULL, None, password=False, local=True)
            raise Refusal(HTTPStatus.FORBIDDEN, "no_password", CLOSED)
        session = self._session(token, passwords)
        role = Role.ANYONE if session is None else session.role
        return Caller(role, session, password=True, local=local)

    async def has_passwords(self) -> bool:
        """Whether anybody could log in.

        Raises:
            Refusal: The passwords can't be read.
        """
        return bool(await self._passwords())

    @contextmanager
    def staying(self, caller: Caller | None, over: Callable[[], None]) -> Iterator[None]:
        """Have it watched that somebody who was let in may still be there; that counts as use meanwhile.

        Args:
            caller: Who it is; None for somebody who may be there in any case.
            over: Called once they may not, perhaps more than once.
        """
        if caller is None or self._trusted:
            yield
            return
        self._staying[over] = caller
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look_again(), name="who stays")
        if caller.session is not None and caller.session.over:
            over()
        try:
            yield
        finally:
            del self._staying[over]
            if not self._staying:
                self._looking.cancel()
                self._looking = None

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            passwords: Passwords | None = None
            with suppress(Refusal, NoThread):
                passwords = await self._passwords()
            for over, caller in list(self._staying.items()):
                if passwords is None or not self._may_stay(caller, passwords):
                    over()

    async def log_in(self, password: str, address: str) -> str:
        """Return the token of a new session.

        Raises:
            Refusal: The password is wrong, or it was tried too often.
        """
        passwords = await self._passwords()
        if not passwords:
            raise Refusal(HTTPStatus.FORBIDDEN, "no_password", CLOSED)
        wrong = self._tries.wrong(address)
        wait = math.ceil(self._tries.begin(address))
        if wait > 0:
            raise _too_many("too many wrong passwords", wait)
        try:
            # scrypt takes 16 MiB
            async with self._turns.turn(address, wrong):
                found = await in_a_thread(lambda: _matching(password, passwords))
        except NoTurn:
            self._tries.withdraw(address)
            raise _too_many("others are logging in", 1) from None
        if found is None:
            log.warning("somebody at %s tried a wrong password", address)
            raise Refusal(HTTPStatus.UNAUTHORIZED, "wrong_password", "that is not the password")
        self._tries.succeeded(address)
        self._turns.has_been_in(address)
        log.info("somebody at %s logged in (%s)", address, found.name.lower())
        return self._new(found, passwords[found])

    def log_out(self, token: str | None) -> None:
        """End a session, if there is one."""
        session = self._sessions.pop(_key(token), None) if token else None
        if session is not None:
            self._end(session)

    def _new(self, role: Role, made_with: Hash) -> str:
        now = asyncio.get_running_loop().time()
        while len(self._sessions) >= MOST_SESSIONS:
            oldest = min(self._sessions, key=lambda key: self._sessions[key].used)
            self._end(self._sessions.pop(oldest))
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._sessions[_key(token)] = Session(role, made_with, now, now)
        return token

    def _end(self, session: Session) -> None:
        session.over = True
        for over, caller in list(self._staying.items()):
            if caller.session is session:
                over()

    def _session(self, token: str | None, passwords: Passwords) -> Session | None:
        session = self._sessions.get(_key(token)) if token else None
        if session is None or not self._still(session, passwords):
            self.log_out(token)
            return None
        session.used = asyncio.get_running_loop().time()
        return session

    def _still(self, session: Session, passwords: Passwords) -> bool:
        now = asyncio.get_running_loop().time()
        in_time = now - session.used < IDLE and now - session.since < LONGEST_SESSION
        return in_time and not session.over and passwords.get(session.role) == session.made_with

    def _may_stay(self, caller: Caller, passwords: Passwords) -> bool:
        session = caller.session
        if session is None:
            return not passwords
        if not self._still(session, passwords):
            return False
        session.used = asyncio.get_running_loop().time()
        return True

    async def _passwords(self) -> Passwords:
        # one after another: each takes a thread, and many may ask at once
        async with self._asking:
            signature = await in_a_thread(self._signature)
            if self._known is None or self._known[0] != signature:
                self._known = signature, await in_a_thread(self._read)
                if isinstance(self._known[1], PasswordsUnreadable):
                    log.error("nobody can log in: %s", self._known[1])
            passwords = self._known[1]
        if isinstance(passwords, PasswordsUnreadable):
            raise Refusal(HTTPStatus.FORBIDDEN, "no_password", f"the passwords are of no use: {passwords}")
        return passwords

    def _signature(self) -> object:
        try:
            found = os.stat(self._file)  # noqa: PTH116 - all of its fields in one call
        except OSError as error:
            return error.errno
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_uid

    def _read(self) -> Passwords | PasswordsUnreadable:
        try:
            return read_passwords(self._file)
        except PasswordsUnreadable as error:
            return error


def _too_many(what: str, wait: int) -> Refusal:
    words = f"{what}: try again in {wait} s"
    return Refusal(HTTPStatus.TOO_MANY_REQUESTS, "too_many_tries", words, Retry_After=str(wait))


def _matching(password: str, passwords: Passwords) -> Role | None:
    """Return the highest role that has this password; for a thread of its own."""
    _have_memory_given_back()
    with suppress(OSError):
        # of this thread alone: on one core the modems come first
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    if not 0 < len(password.encode(errors="surrogatepass")) <= LONGEST:
        return None
    return next((role for role in sorted(passwords, reverse=True) if passwords[role].matches(password)), None)


def _have_memory_given_back() -> None:
    """Have the C library map what is large: it would keep the 16 MiB that scrypt takes, for several threads each."""
    # what only this needs is not in memory before
    ctypes = import_module("ctypes")
    with suppress(OSError, AttributeError):  # musl always does
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _key(token: str) -> bytes:
    """Return what is kept of a token: who reads the memory of the bridge can't take a session from it."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
