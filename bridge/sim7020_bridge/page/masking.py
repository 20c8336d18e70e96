"""What must not leave the machine in an archive that goes to an issue: secrets wherever they stand, and identities."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.commands.quoting import hidden
from sim7020_bridge.config.effective import MASK
from sim7020_bridge.config.load import secrets_in
from sim7020_bridge.config.model import Settings
from sim7020_bridge.config.schema import SECRETS
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.logs import printable

SHORT: Final = 4
"""Characters below which a secret is masked only where it stands alone: a word has it inside by chance."""

IDENTITIES: Final = ("imei", "imsi", "iccid")

_DIGITS: Final = re.compile(r"(?<![\w.])\d{14,22}(?![\w.])")
"""An identity, wherever it stands; no time or count has so many digits."""

_CREDENTIALS: Final = re.compile(r"(?<=//)[^/@\s]+(?=@)")

_KEY: Final = re.compile(
    # as a key in a file, in a comment, or in braces
    rf"(?P<key>(?<![\w-])['\"]?(?:{'|'.join(sorted(SECRETS))})['\"]?[ \t]*[:=][ \t]*)"
    r"""(?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\[[^\]]*\]?|[^\s#,}\]][^,}]*)?"""
)

_ENDS: Final = {
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"(?:[^']|'')*'"),
    "[": re.compile(r"[^\]]*\]"),
}
"""What follows the beginning of a value, up to its end."""


class Mask:
    """Masks texts.

    Args:
        secrets: What must not be in them.
        identities: The same, of the module and its subscriber; what masks them has their lengths.
    """

    def __init__(self, secrets: Iterable[str], identities: Iterable[str] = ()) -> None:
        self._secrets = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
        self._identities = sorted({identity for identity in identities if identity}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return a text as anybody may read it."""
        return "".join(self._line(line) for line in text.splitlines(keepends=True))

    def configuration(self, text: str) -> str:
        """Return a configuration so: also what a comment, or a line that is not YAML, says of a secret key.

        What goes on below a secret key is masked with it: lines that stand further in, and those up to the end of what
        was begun with a quote or a bracket.
        """
        masked = []
        block: int | None = None
        begun: re.Pattern[str] | None = None
        for line in text.splitlines(keepends=True):
            indent = len(line) - len(line.lstrip(" #-"))
            below = block is not None and (indent > block or not line.strip())
            if begun is not None or below:
                masked.append(f"{' ' * indent}{MASK}\n" if line.strip() else line)
                begun = None if begun is not None and begun.match(line) else begun
                continue
            found = list(_KEY.finditer(line))
            # what stands further in below a comment is the configuration
            block = indent if found and not line.lstrip().startswith("#") else None
            begun = _begun(found[-1]["value"] or "") if found else None
            masked.append(_KEY.sub(_of_key, line))
        return self("".join(masked))

    def document(self, payload: bytes) -> str:
        """Return a document of the contract so; one that is none is masked as any text."""
        try:
            document = json.loads(payload)
        except (ValueError, RecursionError):
            return self(payload.decode(errors="replace"))
        return self(json.dumps(_without_identities(document), indent=2, ensure_ascii=False))

    def _line(self, line: str) -> str:
        for secret in self._secrets:
            if len(secret) >= SHORT:
                line = line.replace(secret, MASK)
            elif secret in line:
                line = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, line)
        for identity in self._identities:
            line = line.replace(identity, hidden(identity))
        line = _CREDENTIALS.sub(MASK, line)
        return _DIGITS.sub(lambda found: hidden(found[0]), line)


def _of_key(found: re.Match[str]) -> str:
    value = found["value"] or ""
    end = value[len(value.rstrip()) :]
    return found["key"] if not value.strip() else f'{found["key"]}"{MASK}"{end}'


def _begun(value: str) -> re.Pattern[str] | None:
    """Return what ends a value that its line does not."""
    end = _ENDS.get(value[:1])
    return None if end is None or end.fullmatch(value[1:].rstrip()) else end


def secrets_of(settings: Settings) -> Iterator[str]:
    """Yield the secrets of a configuration that is in force, those from files and the environment included."""
    yield from _secret_fields(settings)


def secrets_of_text(file: Path, text: str) -> Iterator[str]:
    """Yield those that stand in a text, as far as it is YAML."""
    try:
        found = list(secrets_in(file, text))
    except ConfigurationError:
        return
    for path, value in found:
        yield from _texts(value, program=path[-1] == "command")


def _secret_fields(settings: Any) -> Iterator[str]:  # noqa: ANN401 - any of the settings' dataclasses
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name in SECRETS:
            yield from _texts(value, program=field.name == "command")
        elif is_dataclass(value):
            yield from _secret_fields(value)
        elif isinstance(value, tuple):
            for each in value:
                if is_dataclass(each):
                    yield from _secret_fields(each)


def _texts(value: object, *, program: bool) -> Iterator[str]:
    """Yield the words of a value; of a command, what follows the program and is no mere word."""
    if isinstance(value, str):
        yield from value.split()[1:] if program else (value, *value.split("\n"))
    elif isinstance(value, (list, tuple)):
        for each in value[1:] if program else value:
            yield from _texts(each, program=False)
    elif isinstance(value, bytes):
        yield from (value.hex(), value.hex().upper())
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may be written: in YAML, in JSON, in a log."""
    if secret := secret.strip():
        yield secret
        yield secret.replace("'", "''")
        yield json.dumps(secret)[1:-1]
        yield json.dumps(secret, ensure_ascii=False)[1:-1]
        yield printable(secret)


def _without_identities(document: object) -> object:
    if isinstance(document, dict):
        return {
            key: hidden(value) if key in IDENTITIES and isinstance(value, str) else _without_identities(value)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [_without_identities(each) for each in document]
    return document
