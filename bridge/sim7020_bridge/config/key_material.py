"""What both ends of a modem's sealed messages were given (RFC 8613 section 3.2), read so that nobody else can."""

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import LONGEST_ID, KeyMaterial
from sim7020_bridge.config.schema import Key, Section
from sim7020_bridge.config.values import WrongValue, secret_file, text

LEAST_SECRET: Final = 16
"""Bytes of the shortest secret that is taken."""

_LONGEST_SALT: Final = 64
_HEX: Final = re.compile(r"([0-9A-Fa-f]{2})*")


def secret(directory: Path) -> Callable[[object], bytes]:
    """Make a reader of secrets from files, relative to ``directory``: hexadecimal digits on one line.

    A file that anybody but its owner can read or write is refused.
    """
    read_text = secret_file(directory)

    def read(value: object) -> bytes:
        written = read_text(value)
        if stat.S_IMODE((directory / text(value)).stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise WrongValue("others than its owner can read or write the file: make a new key, in a file of mode 600")
        if not _HEX.fullmatch(written) or len(written) < 2 * LEAST_SECRET:
            raise WrongValue(f"the file must hold {LEAST_SECRET} bytes or more as hexadecimal digits, and nothing else")
        return bytes.fromhex(written)

    return read


def identifier(value: object) -> bytes:
    """Read the id of one end: 0 to 7 bytes in hexadecimal."""
    return _hexadecimal(value, LONGEST_ID, f'must be 0 to {LONGEST_ID} bytes in hexadecimal, in quotes, such as "01"')


def salt(value: object) -> bytes:
    """Read a salt in hexadecimal."""
    allowed = f'must be at most {_LONGEST_SALT} bytes in hexadecimal, in quotes, such as "9e7ca92223786340"'
    return _hexadecimal(value, _LONGEST_SALT, allowed)


def _hexadecimal(value: object, longest: int, allowed: str) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * longest or not _HEX.fullmatch(value):
        raise WrongValue(allowed)
    return bytes.fromhex(value)


def oscore(directory: Path) -> Section:
    """Return the section that tells what one end seals by; its file is looked for in ``directory``."""
    return Section(
        KeyMaterial,
        Key(
            "secret_file",
            secret(directory),
            f"A file that has only the secret, {LEAST_SECRET} bytes or more in hexadecimal digits. One that others "
            "than its owner can read or write is refused.",
            required=True,
            field="secret",
        ),
        Key("salt", salt, "The salt, in hexadecimal digits, if the other end has one.", default=None),
        Key("sender_id", identifier, f"This end's id, 0 to {LONGEST_ID} bytes in hexadecimal digits.", required=True),
        Key("recipient_id", identifier, "The other end's id: not the same.", required=True),
    )
