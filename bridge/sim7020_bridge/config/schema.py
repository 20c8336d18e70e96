"""How a configuration file is read, key by key: the only file that knows voluptuous."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from typing import Any

import voluptuous as vol

from sim7020_bridge.config import values
from sim7020_bridge.config.checks import Problem

Reader = Callable[[Any], Any]

SECRETS = frozenset({"password", "apn_password", "pin", "command", "salt", "secret"})
"""Keys whose values are never shown; a command may have a password among its arguments."""


OF_THE_SETTINGS = object()
"""The default of the field of the same name."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Args:
        name: As it is written.
        read: Makes a value of what the file has, or raises WrongValue with a sentence that says what is allowed; may
            be a Section or a Named.
        description: For the documentation.
        required: Whether it must be there.
        default: What the file would say where it is left out, if that is not what the section's settings have; None for
            a key that isn't read then.
        field: Where the settings have it, if that is not called the same.
    """

    name: str
    read: Reader
    description: str
    required: bool = False
    default: object = OF_THE_SETTINGS
    field: str | None = None


class Section:
    """A mapping with known keys; a key that is left out has the default of the settings of the same name.

    Args:
        settings: The dataclass that the section becomes.
        keys: In the order of the documentation.
    """

    def __init__(self, settings: type[Any], *keys: Key) -> None:
        self.keys = keys
        self._settings = settings
        self._defaults = {field.name: field.default for field in fields(settings) if field.default is not MISSING}
        known: dict[object, Reader] = {self._marker(key): _invalid_if_wrong(key.read) for key in keys}
        self._schema = vol.Schema({**known, self._unknown: object})

    def __call__(self, value: object) -> dict[str, Any]:
        """Read a section, or raise every mistake in it."""
        read: dict[str, Any] = self._schema(dict(_mapping(value)))
        return read

    def build(self, read: Mapping[str, Any], **more: object) -> Any:  # noqa: ANN401 - whatever the section becomes
        """Return the settings for what was read."""
        for key in self.keys:
            if key.name in read:
                value = read[key.name]
                more[key.field or key.name] = key.read.build(value) if isinstance(key.read, (Section, Named)) else value
        return self._settings(**more)

    def default(self, key: Key) -> object:
        """Return what the file would say for a key that is left out; None if there is no such thing."""
        if key.default is not OF_THE_SETTINGS:
            return key.default
        default = None if key.required else self._defaults.get(key.name)
        if default is None:
            return None
        return {} if isinstance(key.read, (Section, Named)) else list(default) if default == () else default

    def _marker(self, key: Key) -> vol.Marker:
        if key.required:
            return vol.Required(key.name, msg=f"the key {key.name} is missing: {key.description.rstrip('.')}")
        default = self.default(key)
        return vol.Optional(key.name, default=vol.UNDEFINED if default is None else default)

    def _unknown(self, name: object) -> object:
        known = [key.name for key in self.keys]
        near = get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(sorted(known))}"
        raise vol.Invalid(f"there is no such key; {hint}", error_type="quiet")


class Named:
    """A mapping from names that the user chooses to sections.

    Args:
        section: What each name leads to.
        noun: What is named.
        fewest: How many there are at least.
        most: How many a modem can have, or None.
        name: Reads a name.
    """

    def __init__(
        self, section: Section, *, noun: str, fewest: int, most: int | None = None, name: Reader = values.name
    ) -> None:
        self.section = section
        self.noun = noun
        self._fewest = fewest
        self._most = most
        self._name = name

    def __call__(self, value: object) -> dict[str, dict[str, Any]]:
        """Read what is named, or raise every mistake in it."""
        named = _mapping(value)
        mistakes: list[vol.Invalid] = []
        if len(named) < self._fewest:
            mistakes.append(vol.Invalid(f"at least one {self.noun} is needed", error_type="quiet"))
        if self._most is not None and len(named) > self._most:
            problem = f"a modem has at most {self._most} {self.noun}s, and these are {len(named)}"
            mistakes.append(vol.Invalid(problem, error_type="quiet"))
        read = {}
        for key, item in named.items():
            try:
                self._name(key)
            except values.WrongValue as error:
                mistakes.append(vol.Invalid(str(error), [key], error_type="quiet"))
            try:
                read[str(key)] = self.section(item)
            except vol.Invalid as error:
                error.prepend([key])
                mistakes += error.errors if isinstance(error, vol.MultipleInvalid) else [error]
        if mistakes:
            raise vol.MultipleInvalid(mistakes)
        return read

    def build(self, read: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the settings for what was read, each with its name."""
        return tuple(self.section.build(item, name=name) for name, item in read.items())


def list_of(reader: Reader, allowed: str) -> Reader:
    """Make a reader of lists, item by item; ``allowed`` says what they hold."""
    items = values.items(allowed)
    schema = vol.Schema([_invalid_if_wrong(reader)])

    def read(value: object) -> tuple[str, ...]:
        return tuple(schema(items(value)))

    return read


def one_or_list_of(reader: Reader, allowed: str) -> Reader:
    """Make a reader of single values, or of lists of them that are not empty; ``allowed`` says what a list holds."""
    items = list_of(reader, allowed)

    def read(value: object) -> object:
        if not isinstance(value, list):
            return reader(value)
        if not value:
            raise values.WrongValue(f"must not be an empty list: name {allowed}")
        return items(value)

    return read


def read_tree(root: Section, tree: object) -> tuple[dict[str, Any], list[Problem]]:
    """Check a file's content key by key; what was read is empty if there are problems."""
    try:
        return root(tree), []
    except vol.Invalid as error:
        mistakes = error.errors if isinstance(error, vol.MultipleInvalid) else [error]
    return {}, [Problem(tuple(mistake.path), mistake.msg, _is_quiet(mistake)) for mistake in mistakes]


def _mapping(value: object) -> Mapping[Any, Any]:
    if isinstance(value, dict):
        return value
    raise vol.Invalid("must be a mapping of keys to values", error_type="quiet")


def _invalid_if_wrong(reader: Reader) -> Reader:
    def read(value: object) -> object:
        try:
            return reader(value)
        except values.WrongValue as error:
            raise vol.Invalid(str(error)) from error

    return read


def _is_quiet(mistake: vol.Invalid) -> bool:
    return mistake.error_type == "quiet" or isinstance(mistake, vol.RequiredFieldInvalid)
