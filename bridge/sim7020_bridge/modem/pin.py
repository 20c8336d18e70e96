"""Enters the SIM's PIN, and remembers across restarts which one was wrong: three wrong ones lock the SIM."""

import asyncio
import hashlib
import hmac
import logging
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from sim7020_bridge.commands.sim import BUSY, EnterPin, PinAttempts, ReadPinAttempts, SimState
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.kept_file import replace_file
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_sim

log: Final = logging.getLogger(__name__)

_SALT_BYTES: Final = 16
_UNANSWERED: Final = b"?"
_REFUSED: Final = b"!"
_VERDICTS: Final = frozenset({12, 16})
"""+CME ERRORs that are about the PIN itself: SIM PUK required, incorrect password (manual V1.05, +CPIN)."""
_NOT_TOLD_NOW: Final = (CommandRefused, ModuleSilent, MalformedAnswer)
_SPARE_TRIES: Final = 2
"""Tries that must be left for one of them to be used: the last one is a person's."""


class PinMemory:
    """One modem's PIN that was tried and is not known to be right.

    A PIN is remembered before it is tried, with how many tries were left then, and forgotten when the SIM took it,
    so that a bridge that is killed in between does not try it twice. Only a salted hash is written, readable by the
    bridge alone.

    Args:
        file: Where to remember it; its directory is made if need be.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.told = False
        """Whether the module has told how many tries are left: if it then doesn't, the answer was lost."""

    def was_tried(self, pin: str, *, left: int | None = None) -> bool:
        """Whether this very PIN was tried and used up a try, or may have.

        A file that can't be read or makes no sense counts as yes.

        Args:
            pin: The PIN.
            left: How many tries the SIM has left, if that is known: as many as before, and none was used up.
        """
        try:
            kept = self._read()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.error("cannot read %s (%s); the PIN is not tried", self._file, error)
            return True
        salt = kept[1 : 1 + _SALT_BYTES]
        wanted = _hashed(pin, salt)
        if len(kept) != 1 + len(wanted):
            log.error("cannot understand %s; the PIN is not tried until the file is deleted", self._file)
            return True
        unused = left is not None and kept[:1].isdigit() and left >= int(kept[:1])
        return hmac.compare_digest(kept[1:], wanted) and not unused

    def remember(self, pin: str, *, left: int | None = None) -> None:
        """Write down, durably, that a PIN is about to be tried, and how many tries are left, if that is known.

        Raises:
            OSError: It can't be written, and so the PIN must not be tried.
        """
        mark = str(left).encode() if left in range(10) else _UNANSWERED
        self._write(mark + _hashed(pin, os.urandom(_SALT_BYTES)))

    def refused(self) -> None:
        """The SIM would not have the PIN: from now on only another PIN is tried."""
        try:
            self._write(_REFUSED + self._read()[1:])
        except OSError as error:
            log.error("cannot write %s: %s", self._file, error)

    def forget(self) -> None:
        """The SIM took the PIN, or did not look at it."""
        try:
            self._delete()
        except OSError as error:
            log.error("cannot delete %s (%s); the PIN will not be tried again", self._file, error)

    def unlocked(self) -> None:
        """The SIM is ready: if its answer to the PIN was lost, it took it."""
        try:
            answered = self._read().startswith(_REFUSED)
        except OSError:
            return
        if not answered:
            self.forget()

    def _read(self) -> bytes:
        return self._file.read_bytes()

    def _write(self, kept: bytes) -> None:
        replace_file(self._file, kept)

    def _delete(self) -> None:
        self._file.unlink(missing_ok=True)


class PassingPinMemory(PinMemory):
    """The same where nothing is to be left on the disk: it lasts as long as whoever has it.

    With it, too, a SIM that does not tell how many tries are left is not asked.
    """

    def __init__(self) -> None:
        super().__init__(Path("none"))
        self.told = True
        self._kept: bytes | None = None

    def _read(self) -> bytes:
        if self._kept is None:
            raise FileNotFoundError
        return self._kept

    def _write(self, kept: bytes) -> None:
        self._kept = kept

    def _delete(self) -> None:
        self._kept = None


@lru_cache(maxsize=8)
def _hashed(pin: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(pin.encode(), salt=salt, n=2**12, r=8, p=1)


async def enter_pin(module: Module, pin: str, memory: PinMemory | None = None) -> str | None:
    """Give a SIM that wants its PIN the PIN; return None once it wants it no more, else what is in the way, in words.

    Only +CME ERROR 16 and 12 say that the PIN is wrong. After anything else, silence included, the SIM tells whether a
    try was used up. If none was, the SIM was busy and is asked again for as long as it may be; the caller may, later.

    Args:
        module: The module.
        pin: The PIN.
        memory: What was tried before. Without it, a SIM that does not tell how many tries are left is not asked.
    """
    loop, timing = asyncio.get_running_loop(), module.timing
    end, pauses = loop.time() + timing.sim_patience, Backoff(timing.sim_poll, timing.sim_patience)
    while True:
        problem, again = await _give(module, pin, memory)
        if not again or loop.time() >= end:
            return problem
        await asyncio.sleep(pauses.next_wait())


async def _give(module: Module, pin: str, memory: PinMemory | None) -> tuple[str | None, bool]:
    """Give the PIN if it may be given; return what is in the way, in words, and whether that may soon be over."""
    try:
        left = await tries_left(module)
    except _NOT_TOLD_NOW as error:
        return f"it is not tried before the module tells how many tries are left ({error})", True
    problem = _obstacle(pin, left, memory)
    if problem is not None:
        return problem, False
    said, used = await _try(module, pin, left)
    if memory is not None and used is not None:
        memory.refused() if used else memory.forget()
    if said is None:
        return None, False
    log.log(logging.ERROR if used else logging.INFO, "the SIM did not take the PIN: %s", said)
    await read_sim(module)
    if used:
        return f"the PIN was refused ({said})", False
    if module.store.state.sim is not None and not module.store.state.pin_wanted:
        return None, False
    if used is None:
        problem = f"the PIN is not tried again, for nobody knows whether the SIM looked at it ({said})"
    else:
        problem = f"the SIM has not looked at the PIN yet ({said})"
    return problem, used is not None


def _obstacle(pin: str, left: int | None, memory: PinMemory | None) -> str | None:
    if memory is not None and memory.was_tried(pin, left=left):
        return "the one given was tried before and not taken"
    if memory is not None and left is not None:
        memory.told = True
    if left is None and (memory is None or memory.told):
        return "the module does not tell how many tries are left, so the PIN was not tried"
    if left is not None and left < _SPARE_TRIES:
        return f"only {left} try is left, so the PIN was not tried"
    try:
        # before it is tried: a bridge that is killed in between must not try it twice
        if memory is not None:
            memory.remember(pin, left=left)
    except OSError as error:
        log.error("the PIN is not tried, for it can't be written down that it was: %s", error)
        return f"the configured one is not tried while state_dir can't be written ({error})"
    return None


async def _try(module: Module, pin: str, before: int | None) -> tuple[str | None, bool | None]:
    """Enter the PIN; return what was said if it was not taken, and whether that used up a try, None if nobody knows."""
    try:
        await module.execute(EnterPin(pin))
    except CommandRefused as refused:
        said, code = refused.meaning or refused.result, refused.code
    except ModuleSilent as silent:
        said, code = str(silent), None
    else:
        return None, False
    if code in _VERDICTS or code == BUSY:
        return said, code != BUSY
    left = None
    with suppress(*_NOT_TOLD_NOW):
        left = await tries_left(module)
    return said, None if left is None or before is None else left < before


async def tries_left(module: Module) -> int | None:
    """Return how many tries of the PIN the SIM has left, None if the module has no answer to that.

    Raises:
        CommandRefused: It may answer another time, as below: what is not known may be the last try.
        ModuleSilent: It did not answer.
        MalformedAnswer: Its answer makes no sense.
    """
    attempts: tuple[PinAttempts, ...] = ()
    try:
        attempts = await module.execute(ReadPinAttempts())
    except CommandRefused as refused:
        if refused.code == BUSY:
            raise
    return next((each.left for each in attempts if each.code == SimState.SIM_PIN), None)
