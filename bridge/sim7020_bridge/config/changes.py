"""What a changed configuration takes: which keys come into force while the bridge runs, and which at its next start."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

from sim7020_bridge.config.model import HttpSettings, ModemSettings, MqttSettings, Settings

_WRITTEN: Final = {"other_nodes": "host"}
"""What a key is called in the file, where the settings have it under another name."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys that differ between two configurations, as they are written.

    Args:
        restart: Those that are not looked at again before the next start.
        reload: Those that come into force while the bridge runs.
    """

    restart: tuple[str, ...]
    reload: tuple[str, ...]


def changes(old: Settings, new: Settings) -> Changes:
    """Compare two configurations."""
    restart = tuple(dict.fromkeys(_at_a_start(old, new)))
    return Changes(restart, tuple(_at_once(old, new)))


def _at_a_start(old: Settings, new: Settings) -> Iterator[str]:
    yield from _within("mqtt", old.mqtt, new.mqtt)
    if old.state_dir != new.state_dir:
        yield "state_dir"
    if old.http is None or new.http is None:
        if old.http != new.http:
            yield "http"
    else:
        yield from _within("http", old.http, new.http)
    if old.home_assistant_discovery != new.home_assistant_discovery:
        yield "home_assistant_discovery"
    before, after = _modems(old), _modems(new)
    for name in sorted(before.keys() ^ after.keys()):
        yield f"modems.{name}"
    for name in sorted(before.keys() & after.keys()):
        for key in _within(f"modems.{name}", before[name], after[name]):
            if key != f"modems.{name}.sockets":
                yield key


def _at_once(old: Settings, new: Settings) -> Iterator[str]:
    for key in ("logging", "shutdown_timeout"):
        if getattr(old, key) != getattr(new, key):
            yield key
    before, after = _modems(old), _modems(new)
    for name in sorted(before.keys() & after.keys()):
        if before[name].sockets != after[name].sockets:
            yield f"modems.{name}.sockets"


def _within(
    section: str, old: MqttSettings | HttpSettings | ModemSettings, new: MqttSettings | HttpSettings | ModemSettings
) -> Iterator[str]:
    for field in fields(old):
        one: Any = getattr(old, field.name)
        if one != getattr(new, field.name):
            yield f"{section}.{_WRITTEN.get(field.name, field.name)}"


def _modems(settings: Settings) -> dict[str, ModemSettings]:
    return {modem.name: modem for modem in settings.modems}
