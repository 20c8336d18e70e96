"""Scenario files: what a module is at the start, and what happens to it when.

A file is TOML: ``description``; ``[set]`` and ``[variant]`` as on the command line; and any number of ``[[event]]``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path

from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.mistakes import Mistake, choose
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.words import Event

_SUFFIX = ".toml"
_KEYS = ("description", "set", "variant", "event")
_STEP_KEYS = ("when", "command", "after", "every", "times", "do")


class When(StrEnum):
    """The moments that an event may follow."""

    START = "start"
    """The emulator begins."""
    BOOTED = "booted"
    """The module has started, or restarted."""
    REGISTERED = "registered"
    ONLINE = "online"
    """Registered, with a PDN."""
    OFFLINE = "offline"
    ASLEEP = "asleep"
    """PSM is entered."""
    WOKEN = "woken"
    """PSM is left."""
    OFF = "off"
    """The module is without power, or has turned itself off."""
    CONNECTED = "connected"
    """A socket was connected."""
    COMMAND = "command"
    """The host has sent a command line that matches."""


@dataclass(frozen=True, slots=True)
class Step:
    """Events and when they happen.

    Args:
        command: The pattern of a command line, for ``When.COMMAND``.
        after: Seconds from the moment to the events.
        every: Seconds after which they happen again, counted from the first moment; None: at each moment.
        times: How often they happen; None is for ever.
    """

    when: When
    events: tuple[Event, ...]
    command: str = ""
    after: float = 0.0
    every: float | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as read."""

    name: str
    description: str
    facts: Mapping[str, str]
    variants: Mapping[str, str]
    steps: tuple[Step, ...]

    def apply(self, facts: Facts, variants: Variants) -> None:
        """Make the module what it is at the start."""
        for name, value in self.facts.items():
            facts.set(name, value)
        for name, value in self.variants.items():
            variants.set(name, value)


def find_scenario(name: str) -> Scenario:
    """Read a file (its name has a slash or ends in .toml) or a scenario that comes with the emulator."""
    if "/" in name or name.endswith(_SUFFIX):
        try:
            return read_scenario(Path(name).read_text(encoding="utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise Mistake(f"can't read the scenario {name}: {reason}") from None
    choose("--scenario", name, (*shipped_names(), "random:SEED", "FILE.toml"))
    text = (resources.files("sim7020_emulator.scenario") / "shipped" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return read_scenario(text, name)


def shipped_names() -> list[str]:
    """List the scenarios that come with the emulator, in the order of their names."""
    folder = resources.files("sim7020_emulator.scenario") / "shipped"
    return sorted(item.name.removesuffix(_SUFFIX) for item in folder.iterdir() if item.name.endswith(_SUFFIX))


def read_scenario(text: str, name: str) -> Scenario:
    """Read a scenario; raises ``Mistake`` with the place and what is allowed there."""
    try:
        return _scenario(tomllib.loads(text), name)
    except ValueError as error:
        # tomllib's own error, or that of a number with more digits than Python converts
        raise Mistake(f"{name}: not TOML: {error}") from None
    except RecursionError:
        raise Mistake(f"{name}: not TOML: nested too deeply") from None
    except Mistake as mistake:
        raise Mistake(f"{name}: {mistake}") from None


def _scenario(tree: Mapping[str, object], name: str) -> Scenario:
    _only("", tree, _KEYS)
    description = tree.get("description")
    if not isinstance(description, str) or not description.strip() or "\n" in description:
        raise Mistake("description is missing; it is one line of text")
    facts, variants = _texts("set", tree.get("set", {})), _texts("variant", tree.get("variant", {}))
    _check("set", facts, Facts())
    _check("variant", variants, Variants())
    listed = tree.get("event", [])
    if not isinstance(listed, list):
        raise Mistake("event can't be one table; write [[event]] for each")
    steps = tuple(_step(number, item) for number, item in enumerate(listed, start=1))
    return Scenario(name, description.strip(), facts, variants, steps)


def _step(number: int, item: object) -> Step:
    place = f"event {number}"
    if not isinstance(item, dict):
        raise Mistake(f"{place} is not a table; write [[event]] for each")
    _only(f"{place}: ", item, _STEP_KEYS)
    command = item.get("command", "")
    if not isinstance(command, str) or ("command" in item and not command):
        raise Mistake(f"{place}: command can't be {command!r}; it is a pattern such as 'AT+CSOSEND*'")
    when = When(choose(f"{place}: when", str(item.get("when", "command" if command else "start")), tuple(When)))
    if (when is When.COMMAND) is not bool(command):
        raise Mistake(f"{place}: command goes with when = 'command', and that with it")
    every = _seconds(f"{place}: every", item["every"], least=0.001) if "every" in item else None
    return Step(
        when,
        _events(place, item.get("do")),
        command=command,
        after=_seconds(f"{place}: after", item.get("after", 0)),
        every=every,
        times=_times(f"{place}: times", item.get("times", 1 if every is None else "ever")),
    )


def _events(place: str, given: object) -> tuple[Event, ...]:
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed or not all(isinstance(text, str) for text in listed):
        raise Mistake(f"{place}: do can't be {given!r}; it is an event or a list of events, as in do = 'deaf 30'")
    try:
        return tuple(read_event(text) for text in listed)
    except Mistake as mistake:
        raise Mistake(f"{place}: do: {mistake}") from None


def _seconds(place: str, value: object, least: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
        raise Mistake(f"{place} can't be {value!r}; it is a number of seconds, {least:g} or more")
    return float(value)


def _times(place: str, value: object) -> int | None:
    if value == "ever":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Mistake(f"{place} can't be {value!r}; it is a number from 1, or 'ever'")
    return value


def _only(place: str, table: Mapping[str, object], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            raise Mistake(f"{place}unknown key {key!r}; known are {', '.join(keys)}")


def _texts(place: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise Mistake(f"{place} can't be {table!r}; it is a table of NAME = VALUE")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Mistake(f"{place}.{key} can't be {value!r}; it is a text or a number")
    return {key: str(value) for key, value in table.items()}


def _check(place: str, table: Mapping[str, str], target: Facts | Variants) -> None:
    for key, value in table.items():
        try:
            target.set(key, value)
        except Mistake as mistake:
            raise Mistake(f"{place}.{key}: {mistake}") from None
