"""JSON from the bridge, read tolerantly.

Readers of the MQTT contract ignore keys that they don't know. A key that is missing, or whose value is of another type
or not among those that the contract names, is None here: one line is logged for it, and the rest counts.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType, json_loads_object

_LOGGER: Final = logging.getLogger(__package__)


class UnreadableDocument(Exception):
    """The payload is not a JSON object."""


class Keys:
    """Takes values out of a JSON object and notes what is not as the contract says."""

    def __init__(self, values: JsonObjectType, path: str = "", wrong: list[str] | None = None) -> None:
        self._values = values
        self._path = path
        self.wrong: list[str] = [] if wrong is None else wrong

    def text(self, key: str) -> str | None:
        """Return a string."""
        return self._get(key, lambda value: value if isinstance(value, str) else None)

    def number(self, key: str) -> float | None:
        """Return a number, which true and false are not."""
        return self._get(
            key, lambda value: value if isinstance(value, int | float) and not isinstance(value, bool) else None
        )

    def integer(self, key: str) -> int | None:
        """Return a whole number, which true and false are not."""
        return self._get(key, lambda value: value if isinstance(value, int) and not isinstance(value, bool) else None)

    def flag(self, key: str) -> bool | None:
        """Return true or false."""
        return self._get(key, lambda value: value if isinstance(value, bool) else None)

    def time(self, key: str) -> datetime | None:
        """Return an RFC 3339 time, in UTC."""
        return self._get(key, _time)

    def one_of[Member: StrEnum](self, key: str, kind: type[Member]) -> Member | None:
        """Return the member that the string is the value of."""
        known = {member.value: member for member in kind}
        return self._get(key, lambda value: known.get(value) if isinstance(value, str) else None)

    def keys(self, key: str) -> Keys:
        """Return a nested object; an empty one where there is none."""
        inner = self._get(key, lambda value: value if isinstance(value, dict) else None)
        return Keys(inner or {}, f"{self._path}{key}.", self.wrong)

    def object(self, key: str) -> JsonObjectType:
        """Return a nested object as it is; an empty one where there is none."""
        return self.keys(key).rest()

    def strings(self, key: str) -> tuple[str, ...]:
        """Return the strings of an array; an empty one where there is none."""
        found = self._get(key, lambda value: value if isinstance(value, list) else None) or []
        return tuple(value for value in found if isinstance(value, str))

    def objects(self, key: str) -> tuple[Keys, ...] | None:
        """Return the objects of an array."""
        found = self._get(key, lambda value: value if isinstance(value, list) else None)
        if found is None:
            return None
        return tuple(
            Keys(value, f"{self._path}{key}[{index}].", self.wrong)
            for index, value in enumerate(found)
            if isinstance(value, dict)
        )

    def rest(self, *known: str) -> JsonObjectType:
        """Return all keys but the known ones, as they are."""
        return {key: value for key, value in self._values.items() if key not in known}

    def _get[Value](self, key: str, read: Callable[[JsonValueType], Value | None]) -> Value | None:
        value = self._values.get(key)
        if value is None:
            return None
        found = read(value)
        if found is None:
            self.wrong.append(f"{self._path}{key}")
        return found


def _time(value: JsonValueType) -> datetime | None:
    moment = dt_util.parse_datetime(value) if isinstance(value, str) else None
    return None if moment is None or moment.tzinfo is None else moment.astimezone(UTC)


class Reader:
    """Reads payloads into documents, and tells once for each topic and key what is not as the contract says."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def read[Document](self, topic: str, payload: bytes, of: Callable[[Keys], Document]) -> Document:
        """Return the document.

        Raises:
            UnreadableDocument: The payload is not a JSON object.
        """
        try:
            keys = Keys(json_loads_object(payload))
        except ValueError as error:
            raise UnreadableDocument(f"{topic}: {error}") from error
        document = of(keys)
        new = {(topic, key) for key in keys.wrong} - self._told
        if new:
            self._told |= new
            names = ", ".join(sorted(key for _, key in new))
            _LOGGER.warning("%s: ignoring what the contract does not have: %s", topic, names)
        return document
