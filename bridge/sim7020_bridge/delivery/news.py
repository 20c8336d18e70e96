"""Which messages of a socket are news: not too soon after the last one with their key, nor what that said already."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from sim7020_bridge.config.model import SocketSettings
from sim7020_bridge.config.picking import dead_band
from sim7020_bridge.mqtt.json_text import JsonValue, NotJson, dump, object_or_nothing, parse
from sim7020_bridge.mqtt.packing import value_at
from sim7020_bridge.outbox.message import Message, Priority

_REMEMBERED: Final = 100
"""Messages that are not looked at again: each may have 64 KiB."""


def compares(settings: SocketSettings, message: Message) -> bool:
    """Whether a message may be held or left out for the sake of the last one with its key; urgent ones never are."""
    selective = settings.every is not None or bool(settings.change)
    return selective and message.key is not None and message.priority < Priority.HIGH


@lru_cache(_REMEMBERED)
def said(change: tuple[str, ...], data: bytes) -> str:
    """Return what of a message is compared with the next: the fields of ``change`` that it has, as a JSON object."""
    try:
        value = parse(data) if change else None
    except NotJson:
        value = None
    bands = [dead_band(written) for written in change]
    return dump({band.name: value_at(value, band.path) for band in bands}).decode()


def is_news(change: tuple[str, ...], before: str, now: str) -> bool:
    """Whether a field differs by more than its dead band, or at all if it is no number; without fields, all is news."""
    earlier, later = object_or_nothing(before.encode()), object_or_nothing(now.encode())
    bands = [dead_band(written) for written in change]
    return not bands or any(_differs(earlier, later, band.name, band.width) for band in bands)


def _differs(earlier: Mapping[str, JsonValue], later: Mapping[str, JsonValue], name: str, band: Decimal) -> bool:
    if name not in earlier:
        return True
    was, now = earlier[name], later.get(name)
    if _is_number(was) and _is_number(now):
        return abs(Decimal(str(now)) - Decimal(str(was))) > band
    return dump(was) != dump(now)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
