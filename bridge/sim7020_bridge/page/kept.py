"""A message as it stands in the history's file, and taken from there by the letter: anybody may have changed it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

from sim7020_bridge.outbox.message import LONGEST_ID
from sim7020_bridge.page.messages import (
    LONGEST_ERROR,
    LONGEST_TOPIC,
    MOST_OF_ONE,
    MOST_STEPS,
    STATES,
    Record,
)

GREATEST: Final = 10**14
"""A message's number is below this: a browser counts so far, and an address of a message may have it."""

_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_LONGEST: Final = 2**53


def dumped(record: Record) -> str:
    """Return all but number and payload as JSON, whatever half characters there are in it."""
    return json.dumps(
        {
            "socket": record.socket,
            "id": record.id,
            "topic": record.topic,
            "at": record.at,
            "size": record.size,
            "steps": list(record.told_steps()),
            "final": record.final,
            "attempts": record.attempts,
            "error": record.error,
            "key": record.key,
            "priority": record.priority,
            "expires": record.expires,
        },
        separators=(",", ":"),
    )


def loaded(number: object, data: object, text: object) -> Record:
    """Return the message again.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(number, int) or not 0 < number < GREATEST:
        raise ValueError("no number")
    if not isinstance(data, bytes) or len(data) > MOST_OF_ONE or not isinstance(text, str):
        raise ValueError("no payload")
    try:
        return _record(number, data, json.loads(text))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no message") from error


def _record(number: int, data: bytes, known: dict[str, Any]) -> Record:
    def perhaps(name: str, check: Callable[[object], Any]) -> Any:  # noqa: ANN401 - what the check gives
        return None if known[name] is None else check(known[name])

    record = Record(
        number,
        _text(known["socket"], LONGEST_ID),
        perhaps("id", lambda value: _text(value, LONGEST_ID)),
        perhaps("topic", lambda value: _text(value, LONGEST_TOPIC)),
        _time(known["at"]),
        _count(known["size"]),
        data,
        final=known["final"] is True,
        attempts=_count(known["attempts"]),
        error=perhaps("error", _error),
        key=perhaps("key", lambda value: _text(value, LONGEST_ID)),
        priority=perhaps("priority", lambda value: _text(value, LONGEST_ID)),
        expires=perhaps("expires", _time),
    )
    steps = known["steps"]
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise ValueError("no steps")
    for state, at in steps:
        if state not in STATES:
            raise ValueError("no state")
        record.step(state, _time(at))
    return record


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("no text")
    # many messages have the same ones
    return intern(value)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise ValueError("no time")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LONGEST:
        raise ValueError("no count")
    return value


def _error(value: object) -> tuple[str, str]:
    if not isinstance(value, list):
        raise TypeError("no error")
    code, words = value
    return _text(code, LONGEST_ERROR), _text(words, LONGEST_ERROR)
