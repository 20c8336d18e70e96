"""Logging in: whether a password may be tried now, and whether it is right; in memory where somebody does."""

import logging
import math
import os
import secrets
import threading
from contextlib import suppress
from http import HTTPStatus
from importlib import import_module
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.http.passwords import LONGEST, Passwords
from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.http.role import Role
from sim7020_bridge.http.tries import Tries
from sim7020_bridge.http.turns import NoTurn, Turns

log: Final = logging.getLogger(__name__)

_TOKEN_BYTES: Final = 32
_NICE: Final = 10
_M_MMAP_THRESHOLD: Final = -3
"""As in glibc's malloc.h; once it is set, glibc no longer raises it by itself."""
_LARGE: Final = 1024 * 1024


class LogIn:
    """All who try."""

    def __init__(self) -> None:
        self.tries: Final = Tries()
        self._turns = Turns()

    async def attempt(self, password: str, passwords: Passwords, address: str) -> tuple[Role, str]:
        """Return whose password it is, and the token of a new session.

        Raises:
            Refusal: The password is wrong, or it was tried too often.
        """
        wrong = self.tries.wrong(address)
        wait = math.ceil(self.tries.begin(address))
        if wait > 0:
            raise _too_many("too many wrong passwords", wait)
        try:
            # scrypt takes 16 MiB
            async with self._turns.turn(address, wrong):
                found = await in_a_thread(lambda: _matching(password, passwords))
        except NoTurn:
            self.tries.withdraw(address)
            raise _too_many("others are logging in", 1) from None
        if found is None:
            log.warning("somebody at %s tried a wrong password", address)
            raise Refusal(HTTPStatus.UNAUTHORIZED, "wrong_password", "that is not the password")
        self.tries.succeeded(address)
        self._turns.has_been_in(address)
        log.info("somebody at %s logged in (%s)", address, found.name.lower())
        return found, secrets.token_urlsafe(_TOKEN_BYTES)


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
