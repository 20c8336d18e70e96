"""The keys of a configuration file, each with its reader and its description: the only file that knows voluptuous."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import voluptuous as vol

from sim7020_bridge.config import values
from sim7020_bridge.config.checks import Problem
from sim7020_bridge.config.model import (
    DEFAULT_BASE_TOPIC,
    DEFAULT_BAUDRATE,
    DEFAULT_KEEPALIVE,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    MAX_SOCKETS,
    Encoding,
    MqttProtocol,
    Transport,
)

Reader = Callable[[Any], Any]

SECRETS = frozenset({"password", "apn_password"})
"""Keys whose values are never shown."""

_MISSING = "required key not provided"
_UNKNOWN = "extra keys not allowed"
_PORT = values.whole_number(1, values.MAX_PORT)


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """A key as the documentation shows it; ``path`` has ``<modem>`` and ``<socket>`` where the user's names go."""

    path: str
    required: bool
    default: str
    description: str


class _Section:
    """A mapping with known keys."""

    def __init__(self, keys: Mapping[vol.Marker, Reader]) -> None:
        self.keys = keys
        self._schema = vol.Schema({marker: _invalid_if_wrong(reader) for marker, reader in keys.items()})

    def __call__(self, value: object) -> dict[str, Any]:
        section = _mapping(value)
        try:
            read: dict[str, Any] = self._schema(dict(section))
        except vol.MultipleInvalid as error:
            raise vol.MultipleInvalid([self._explained(mistake) for mistake in error.errors]) from error
        return read

    def _explained(self, mistake: vol.Invalid) -> vol.Invalid:
        if mistake.msg == _MISSING and len(mistake.path) == 1:
            key = str(mistake.path[0])
            return vol.Invalid(
                f"the key {key} is missing: {self._description(key).rstrip('.')}", mistake.path, error_type="quiet"
            )
        if mistake.msg == _UNKNOWN and len(mistake.path) == 1:
            known = [str(marker) for marker in self.keys]
            near = get_close_matches(str(mistake.path[0]), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(sorted(known))}"
            return vol.Invalid(f"there is no such key; {hint}", mistake.path, error_type="quiet")
        return mistake

    def _description(self, key: str) -> str:
        return next(str(marker.description) for marker in self.keys if str(marker) == key)


class _Named:
    """A mapping from names that the user chooses to sections."""

    def __init__(self, section: _Section, *, noun: str, fewest: int, most: int | None = None) -> None:
        self.section = section
        self.noun = noun
        self._fewest = fewest
        self._most = most

    def __call__(self, value: object) -> dict[str, dict[str, Any]]:
        mistakes: list[vol.Invalid] = []
        named = _mapping(value)
        if len(named) < self._fewest:
            mistakes.append(vol.Invalid(f"at least one {self.noun} is needed", error_type="quiet"))
        if self._most is not None and len(named) > self._most:
            problem = f"a modem has at most {self._most} {self.noun}s, and these are {len(named)}"
            mistakes.append(vol.Invalid(problem, error_type="quiet"))
        read = {}
        for key, item in named.items():
            try:
                values.name(key)
            except values.WrongValue as error:
                mistakes.append(vol.Invalid(str(error), [key], error_type="quiet"))
            try:
                read[str(key)] = self.section(item)
            except vol.MultipleInvalid as error:
                error.prepend([key])
                mistakes += error.errors
            except vol.Invalid as error:
                error.prepend([key])
                mistakes.append(error)
        if mistakes:
            raise vol.MultipleInvalid(mistakes)
        return read


def _mapping(value: object) -> Mapping[Any, Any]:
    if isinstance(value, dict):
        return value
    raise vol.Invalid("must be a mapping of keys to values", error_type="quiet")


def _invalid_if_wrong(reader: Reader) -> Reader:
    if isinstance(reader, (_Section, _Named)):
        return reader

    def read(value: object) -> object:
        try:
            return reader(value)
        except values.WrongValue as error:
            raise vol.Invalid(str(error)) from error

    return read


_TOPIC_FILTERS = vol.Schema([_invalid_if_wrong(values.topic_filter)])


def _send_topics(value: object) -> tuple[str, ...]:
    return tuple(_TOPIC_FILTERS(values.items(value)))


def _root(directory: Path) -> _Section:
    file = values.readable_file(directory)
    tls = _Section(
        {
            vol.Optional("ca_file", description="Certificates to trust; without it, the system's."): file,
            vol.Optional("cert_file", description="The client's certificate; together with `key_file`."): file,
            vol.Optional("key_file", description="The client's private key, without a passphrase."): file,
        }
    )
    mqtt = _Section(
        {
            vol.Required("host", description="Name or address of the broker."): values.broker_host,
            vol.Optional(
                "port", description=f"The broker's port; {DEFAULT_PORT}, or {DEFAULT_TLS_PORT} with `tls`."
            ): _PORT,
            vol.Optional("username", description="The user to log in as."): values.credential,
            vol.Optional("password", description="Its password; better in a `password_file`."): values.credential,
            vol.Optional("password_file", description="A file that holds the password alone."): values.secret_file(
                directory
            ),
            vol.Optional(
                "protocol", default=MqttProtocol.V5.value, description="The MQTT version: `5` or `3.1.1`."
            ): values.choice(MqttProtocol),
            vol.Optional(
                "base_topic", default=DEFAULT_BASE_TOPIC, description="What all topics of the bridge start with."
            ): values.base_topic,
            vol.Optional(
                "keepalive",
                default=DEFAULT_KEEPALIVE,
                description="Seconds of silence after which the connection is tested, 5 to 3600.",
            ): values.whole_number(*values.KEEPALIVES),
            vol.Optional(
                "tls",
                description="Encrypt the connection and verify the broker's name; `{}` trusts what the system trusts.",
            ): tls,
        }
    )
    socket = _Section(
        {
            vol.Required("protocol", description="`udp` or `tcp`."): values.choice(Transport),
            vol.Required(
                "host", description="The peer: an IPv4 address, or a name that the module resolves."
            ): values.peer_host,
            vol.Required("port", description="The peer's port."): _PORT,
            vol.Optional(
                "encoding",
                default=Encoding.RAW.value,
                description="How payload is written on MQTT: `raw`, `text`, `hex`, `base64` or `json`.",
            ): values.choice(Encoding),
            vol.Optional(
                "send_topics",
                default=list,
                description="Topics whose messages are sent, wildcards included, beside the socket's own `send` topic.",
            ): _send_topics,
            vol.Optional(
                "received_topic",
                description="Where received payload is published, beside the socket's own `received` topic.",
            ): values.topic,
        }
    )
    modem = _Section(
        {
            vol.Required(
                "port", description="A path such as `/dev/ttyUSB0`, `socket://host:port` or `rfc2217://host:port`."
            ): values.serial_port,
            vol.Optional(
                "baudrate", default=DEFAULT_BAUDRATE, description="Line rate in bit/s, one that the module has."
            ): values.baudrate,
            vol.Optional("apn", description="The APN to use; without it, what the module has is left."): values.apn,
            vol.Optional("apn_username", description="The user name that the APN wants."): values.login,
            vol.Optional("apn_password", description="The password that the APN wants."): values.login,
            vol.Optional("sockets", default=dict, description=f"Up to {MAX_SOCKETS} sockets by name."): _Named(
                socket, noun="socket", fewest=0, most=MAX_SOCKETS
            ),
        }
    )
    return _Section(
        {
            vol.Required("mqtt", description="The broker."): mqtt,
            vol.Required("modems", description="One or more modems by name."): _Named(modem, noun="modem", fewest=1),
            vol.Optional(
                "state_dir",
                description="The directory for what the bridge must know after a restart; made if it isn't there. "
                "Without it, systemd's `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/sim7020-bridge`, "
                "else `~/.local/state/sim7020-bridge`.",
            ): values.directory(directory),
        }
    )


def read_tree(tree: object, directory: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Check a file's content key by key; what was read is empty if there are problems."""
    try:
        return _root(directory)(tree), []
    except vol.MultipleInvalid as error:
        mistakes = error.errors
    except vol.Invalid as error:
        mistakes = [error]
    return {}, [Problem(tuple(mistake.path), mistake.msg, mistake.error_type == "quiet") for mistake in mistakes]


def describe() -> Iterator[KeyDescription]:
    """Tell every key in the order in which the documentation shows them."""
    yield from _describe(_root(Path()), "")


def _describe(section: _Section, prefix: str) -> Iterator[KeyDescription]:
    for marker, reader in section.keys.items():
        path = f"{prefix}{marker}"
        default = marker.default() if isinstance(marker, vol.Optional) and callable(marker.default) else None
        shown = str(default) if isinstance(default, (str, int)) else ""
        yield KeyDescription(path, isinstance(marker, vol.Required), shown, str(marker.description))
        if isinstance(reader, _Section):
            yield from _describe(reader, f"{path}.")
        elif isinstance(reader, _Named):
            yield from _describe(reader.section, f"{path}.<{reader.noun}>.")
