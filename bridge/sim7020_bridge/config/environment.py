"""Keys from the environment: ``SIM7020_MQTT__PASSWORD`` is ``mqtt: password:``, and wins over the file."""

import copy
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "SIM7020_"
FILE: Final = "SIM7020_CONFIG"
"""Names the configuration file; it is no key."""

Path = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment that gives a key; ``value`` is its text as YAML, as far as it is any."""

    name: str
    text: str
    value: object


Given = Mapping[Path, Variable]


def given(environment: Mapping[str, str], tree: object, parse: Callable[[str], object]) -> Given:
    """Return the variables that give keys, by the keys' paths; ``parse`` reads YAML or raises ValueError.

    A part of a name stands for the key of the tree that is written the same but for case and hyphens, and else for
    itself in lower case.
    """
    found = {}
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name != FILE:
            found[_path(name.removeprefix(PREFIX), tree)] = Variable(name, text, _value(text, parse))
    return found


def without_modems(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that says nothing of modems."""
    return {name: text for name, text in environment.items() if not name.startswith(f"{PREFIX}MODEMS__")}


def giving(given: Given, path: Path) -> Variable | None:
    """Return the variable that gives a key or, if there is none, the nearest one above it."""
    for size in range(len(path), 0, -1):
        if path[:size] in given:
            return given[path[:size]]
    return None


def put(tree: object, path: Path, value: object) -> bool:
    """Put a value into a tree of mappings; say whether its place could be reached."""
    node: Any = tree
    for key in path[:-1]:
        if not isinstance(node, MutableMapping):
            return False
        # copied, since the file may show the same mapping in two places
        node[key] = copy.copy(node[key]) if key in node else {}
        node = node[key]
    if not isinstance(node, MutableMapping):
        return False
    node[path[-1]] = value
    return True


def _value(text: str, parse: Callable[[str], object]) -> object:
    try:
        value = parse(text)
    except ValueError:
        return text
    return text if value is None else value


def _path(name: str, tree: object) -> Path:
    path: list[object] = []
    node = tree
    for part in name.split("__"):
        known = node if isinstance(node, Mapping) else {}
        key = next((key for key in known if str(key).replace("-", "_").upper() == part.upper()), part.lower())
        path.append(key)
        node = known.get(key)
    return tuple(path)
