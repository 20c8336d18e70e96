"""The page behind its real ports, with no bridge behind it."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sim7020_bridge.config.model import HttpSettings
from sim7020_bridge.http.pages import Page as HandMade
from sim7020_bridge.http.passwords import Hash, Passwords, write_passwords
from sim7020_bridge.http.role import Role
from sim7020_bridge.page.page import Page, Part
from sim7020_bridge.page.session import About

ALL = "correct horse"
EYES = "only eyes"


def weak(password: str) -> Hash:
    """Return what scrypt makes of a password with little effort."""
    return Hash(2, 1, 1, b"salt", hashlib.scrypt(password.encode(), salt=b"salt", n=2, r=1, p=1))


def with_passwords(directory: Path, make: Callable[[str], Hash] = weak) -> Path:
    """Write a file with a password for each role."""
    file = directory / "page.passwords"
    passwords: Passwords = {Role.FULL: make(ALL), Role.READ_ONLY: make(EYES)}
    write_passwords(file, passwords)
    return file


def page(settings: HttpSettings, passwords: Path, parts: Sequence[Part] = ()) -> Page:
    """Put a page together."""
    return Page(
        settings,
        passwords=passwords,
        about=lambda: About(modems=["shed"], base_topic="sim7020"),
        pages={"/health": lambda: HandMade("text/plain", b"well")},
        parts=parts,
    )


@asynccontextmanager
async def serving(page: Page) -> AsyncIterator[int]:
    """Serve a page, and yield its port."""
    async with page.serve() as port:
        yield port
