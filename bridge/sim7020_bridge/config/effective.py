"""The configuration as it is in force: every key with its value and where that is from, secrets masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.config.environment import giving
from sim7020_bridge.config.load import Reading
from sim7020_bridge.config.schema import SECRETS, Named, Section

MASK: Final = "***"

Value = bool | int | float | str | list["Value"] | dict[str, "Value"] | None


class Source(StrEnum):
    """Where a value is from."""

    FILE = "file"
    ENVIRONMENT = "environment"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Effective:
    """One key that is in force.

    Args:
        key: Its path, such as ``modems.shed.port``.
        value: Its value; that of a secret is masked, and that of a secret's file is the file's name.
        source: Where it is from.
        place: The line of the file, or the variable's name; None for a default.
    """

    key: str
    value: Value
    source: Source
    place: int | str | None


def effective(reading: Reading) -> Iterator[Effective]:
    """Tell every key that is in force, in the order of the documentation."""
    yield from _walk(reading, reading.section, reading.keys, ())


def _walk(reading: Reading, section: Section, keys: Mapping[str, Any], path: tuple[object, ...]) -> Iterator[Effective]:
    for key in section.keys:
        here, value = (*path, key.name), keys.get(key.name)
        if key.name not in keys:
            continue
        if isinstance(key.read, Section) and value:
            yield from _walk(reading, key.read, value, here)
        elif isinstance(key.read, Named) and value:
            for name in value:
                yield from _walk(reading, key.read.section, value[name], (*here, name))
        else:
            source, place = _source(reading, here)
            yield Effective(".".join(map(str, here)), _shown(reading, here, value), source, place)


def _source(reading: Reading, path: tuple[object, ...]) -> tuple[Source, int | str | None]:
    variable = giving(reading.given, path)
    if variable is not None:
        return Source.ENVIRONMENT, variable.name
    line = reading.line(path)
    return (Source.DEFAULT, None) if line is None else (Source.FILE, line)


def _shown(reading: Reading, path: tuple[object, ...], value: object) -> Value:
    if path[-1] in SECRETS:
        return MASK
    if str(path[-1]).endswith("_file"):
        given = reading.tree
        for key in path:
            given = given[key]
        return str(given)
    return _plain(value)


def _plain(value: object) -> Value:
    match value:
        case None:  # what is switched off
            return False
        case StrEnum():
            return value.value
        case Path() | bytes():
            return value.hex() if isinstance(value, bytes) else str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
    return value if isinstance(value, (bool, int, float, str)) else str(value)
