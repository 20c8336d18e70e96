"""Who may in: passwords become sessions, and a session's cookie a role."""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sim7020_bridge.blocking import NoThread, in_a_thread
from sim7020_bridge.http.absent import is_absent
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.role import Role

if TYPE_CHECKING:
    from sim7020_bridge.http.log_in import LogIn
    from sim7020_bridge.http.passwords import Hash, Passwords

log: Final = logging.getLogger(__name__)

MOST_SESSIONS: Final = 64
"""Sessions at the same time; the one that was not used for the longest ends for another."""

IDLE: Final = 12 * 3600.0
"""Seconds without a request after which a session ends."""

LONGEST_SESSION: Final = 7 * 24 * 3600.0
"""Seconds after which a session ends."""

LOOK_AGAIN: Final = 15.0
"""Seconds after which it is asked again whether somebody who stays may still be there."""

CLOSED: Final = (
    "other computers can reach this, so it needs a password: run sim7020-bridge password on the bridge's computer"
)


@dataclass(slots=True, eq=False)
class Session:
    """Somebody who has logged in; in the loop's time."""

    role: Role
    made_with: "Hash"
    since: float
    used: float
    over: bool = False


class Caller(NamedTuple):
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
        file: Where the passwords are. That it vanishes opens nothing: they have to be removed as they were set.
        trusted: Whoever comes has been let in by somebody else: everybody may do everything.
    """

    def __init__(self, file: Path, *, trusted: bool = False) -> None:
        self._file = file
        self._trusted = trusted
        self._sessions: dict[bytes, Session] = {}
        self._log_in: LogIn | None = None
        self._known: tuple[object, Passwords | str] | None = None
        self._closed = False
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
            try:
                passwords = await self._passwords()
            except (Refusal, NoThread):
                pass
            except Exception:
                log.exception("it can't be told who may stay")
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
        if self._log_in is None:
            # with all that it needs, only where somebody logs in
            from sim7020_bridge.http.log_in import LogIn  # noqa: PLC0415

            self._log_in = LogIn()
        role, token = await self._log_in.attempt(password, passwords, address)
        self._begin(role, passwords[role], token)
        return token

    def log_out(self, token: str | None) -> None:
        """End a session, if there is one."""
        session = self._sessions.pop(_key(token), None) if token else None
        if session is not None:
            self._end(session)

    def _begin(self, role: Role, made_with: "Hash", token: str) -> None:
        now = asyncio.get_running_loop().time()
        while len(self._sessions) >= MOST_SESSIONS:
            # whoever may only look keeps nobody out who may do more
            first = min(self._sessions, key=lambda key: (self._sessions[key].role, self._sessions[key].used))
            self._end(self._sessions.pop(first))
        self._sessions[_key(token)] = Session(role, made_with, now, now)

    def _end(self, session: Session) -> None:
        session.over = True
        for over, caller in list(self._staying.items()):
            if caller.session is session:
                over()

    def _session(self, token: str | None, passwords: "Passwords") -> Session | None:
        session = self._sessions.get(_key(token)) if token else None
        if session is None or not self._still(session, passwords):
            self.log_out(token)
            return None
        session.used = asyncio.get_running_loop().time()
        return session

    def _still(self, session: Session, passwords: "Passwords") -> bool:
        now = asyncio.get_running_loop().time()
        in_time = now - session.used < IDLE and now - session.since < LONGEST_SESSION
        return in_time and not session.over and passwords.get(session.role) == session.made_with

    def _may_stay(self, caller: Caller, passwords: "Passwords") -> bool:
        session = caller.session
        if session is None:
            return not passwords
        if not self._still(session, passwords):
            return False
        session.used = asyncio.get_running_loop().time()
        return True

    async def _passwords(self) -> "Passwords":
        # one after another: each takes a thread, and many may ask at once
        async with self._asking:
            signature = await in_a_thread(self._signature)
            known = self._known
            if known is None or known[0] != signature or isinstance(known[1], str):
                # what can't be read now may be to be read later, as it is
                self._known = now = signature, await in_a_thread(self._read)
                if isinstance(now[1], str) and now != known:
                    log.error("nobody can log in: %s", now[1])
                known = now
            passwords = known[1]
        if isinstance(passwords, str):
            raise Refusal(HTTPStatus.FORBIDDEN, "no_password", f"the passwords are of no use: {passwords}")
        return passwords

    def _signature(self) -> object:
        try:
            found = os.stat(self._file)  # noqa: PTH116 - all of its fields in one call
        except OSError as error:
            return error.errno
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_uid

    def _read(self) -> "Passwords | str":
        """Return the passwords, or why they can't be read."""
        found: Passwords = {}
        if not is_absent(self._file):
            # what only passwords need is not in memory before there are some
            from sim7020_bridge.http.passwords import PasswordsUnreadable, read_passwords  # noqa: PLC0415

            try:
                found = read_passwords(self._file)
            except PasswordsUnreadable as error:
                self._closed = True
                return str(error)
        if not found and self._closed and is_absent(self._file):
            return f"{self._file} is gone: set them again, and remove them if nobody should need one"
        self._closed = bool(found)
        return found


def _key(token: str) -> bytes:
    """Return what is kept of a token: who reads the memory of the bridge can't take a session from it."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
