"""The keys of a configuration file, each with its reader and its description: the only file that knows voluptuous."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import voluptuous as vol

from sim7020_bridge.config import delivery_keys, module_values, operation_keys, values
from sim7020_bridge.config.checks import Problem
from sim7020_bridge.config.delivery_keys import Key
from sim7020_bridge.config.model import (
    DEFAULT_ATTACH_CEILING,
    DEFAULT_BASE_TOPIC,
    DEFAULT_BAUDRATE,
    DEFAULT_KEEPALIVE,
    DEFAULT_PORT,
    DEFAULT_PRESS_PAYLOAD,
    DEFAULT_PULSE,
    DEFAULT_RELEASE_PAYLOAD,
    DEFAULT_TLS_PORT,
    MAX_SOCKETS,
    Encoding,
    MqttProtocol,
    Transport,
)

Reader = Callable[[Any], Any]

SECRETS = frozenset({"password", "apn_password", "pin", "command"})
"""Keys whose values are never shown; a command may have a password among its arguments."""

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


def _list_of(reader: Reader, allowed: str) -> Reader:
    items = values.items(allowed)
    schema = vol.Schema([_invalid_if_wrong(reader)])

    def read(value: object) -> tuple[str, ...]:
        return tuple(schema(items(value)))

    return read


def _rows(keys: Sequence[Key], *required: str) -> dict[vol.Marker, Reader]:
    return {
        vol.Required(key.name, description=key.description)
        if key.name in required
        else vol.Optional(
            key.name, default=vol.UNDEFINED if key.default is None else key.default, description=key.description
        ): key.read
        for key in keys
    }


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
            ): _list_of(values.topic_filter, "topics, such as [garden/+/temperature]"),
            vol.Optional(
                "received_topic",
                description="Where received payload is published, beside the socket's own `received` topic.",
            ): values.topic,
            **_rows(delivery_keys.SOCKET),
        }
    )
    return _Section(
        {
            vol.Required("mqtt", description="The broker."): mqtt,
            vol.Required("modems", description="One or more modems by name."): _Named(
                _modem(directory, socket), noun="modem", fewest=1
            ),
            vol.Optional(
                "state_dir",
                description="The directory for what the bridge must know after a restart; made if it isn't there. "
                "Without it, systemd's `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/sim7020-bridge`, "
                "else `~/.local/state/sim7020-bridge`.",
            ): values.directory(directory),
            vol.Optional("logging", default=dict, description="What is logged, to standard error."): _Section(
                _rows(operation_keys.LOGGING)
            ),
            vol.Optional(
                "http",
                description="Serves `/health` and `/metrics`; off without it. See [Operations](operations.md).",
            ): _Section(_rows(operation_keys.HTTP, "port")),
            **_rows((operation_keys.SHUTDOWN_TIMEOUT, operation_keys.DISCOVERY)),
        }
    )


def _modem(directory: Path, socket: _Section) -> _Section:
    return _Section(
        {
            vol.Required(
                "port", description="A path such as `/dev/ttyUSB0`, `socket://host:port` or `rfc2217://host:port`."
            ): values.serial_port,
            vol.Optional(
                "baudrate", default=DEFAULT_BAUDRATE, description="Line rate in bit/s, one that the module has."
            ): values.baudrate,
            vol.Optional(
                "pin",
                description='The SIM\'s PIN, in quotes as in `"0000"`; only for a SIM that asks for one. '
                "A PIN that the SIM refuses is never tried again: three wrong ones lock it.",
            ): module_values.pin,
            vol.Optional("pin_file", description="A file that holds the PIN alone."): module_values.pin_file(directory),
            vol.Optional("apn", description="The APN to use; without it, what the module has is left."): values.apn,
            vol.Optional("apn_username", description="The user name that the APN wants."): values.login,
            vol.Optional("apn_password", description="The password that the APN wants."): values.login,
            vol.Optional(
                "apn_password_file", description="A file that holds it alone."
            ): module_values.apn_password_file(directory),
            vol.Optional("sockets", default=dict, description=f"Up to {MAX_SOCKETS} sockets by name."): _Named(
                socket, noun="socket", fewest=0, most=MAX_SOCKETS
            ),
            vol.Optional(
                "outbox",
                default=dict,
                description="What may wait for the network, and for the broker. See [Delivery](delivery.md).",
            ): _Section(_rows(delivery_keys.OUTBOX)),
            vol.Optional(
                "data_budget",
                default=dict,
                description="What the modem may send and receive. See [Delivery](delivery.md).",
            ): _Section(_rows(delivery_keys.DATA_BUDGET)),
            vol.Optional(
                "power_saving",
                description="Lets the modem sleep, for life on a battery; without it, the bridge switches all power "
                "saving off, and the modem can be reached at any time. See [Power saving](#power-saving).",
            ): _power_saving(),
            vol.Optional(
                "recovery", default=dict, description="How far the bridge goes to bring the modem back."
            ): _recovery(directory),
            vol.Optional(
                "allow_at",
                default=list,
                description="AT commands that the request `at` may send to the module, for example "
                '`[AT+CSQ, "AT+CENG?"]`; without it, none. One with `*` at its end allows all that start so.',
            ): _list_of(module_values.at_command, 'AT commands, such as ["AT+CSQ", "AT+CENG?"]'),
            vol.Optional(
                "time_server",
                description="Name or address of an internet time server (SNTP) for the module's clock, for networks "
                "that don't tell the time; asking it costs a little data.",
            ): values.time_server,
        }
    )


def _power_saving() -> _Section:
    return _Section(
        {
            vol.Optional(
                "active_time",
                description="Seconds for which the modem can still be reached after it last sent or received "
                "(T3324), 2 to 11160; then it falls asleep (PSM) and hears nothing.",
            ): module_values.seconds(*module_values.ACTIVE_TIMES),
            vol.Optional(
                "periodic_update",
                description="Seconds after which a sleeping modem wakes by itself to tell the network that it is "
                "still there (T3412 extended), 2 to 35712000; longer than `active_time`. "
                "Messages wait until then unless the bridge can wake the modem.",
            ): module_values.seconds(*module_values.PERIODIC_UPDATES),
            vol.Optional(
                "edrx_cycle",
                description="Seconds between the moments at which the modem listens (eDRX): "
                f"{', '.join(map(str, module_values.EDRX_CYCLES))}. What is sent to it waits that long; "
                "from 163.84 on, the module doesn't hear the bridge in between either.",
            ): module_values.edrx_cycle,
            vol.Optional(
                "paging_window",
                description="Seconds for which it listens each time: a multiple of 2.56 up to 40.96, "
                "not longer than `edrx_cycle`, which it needs.",
            ): module_values.paging_window,
            vol.Optional(
                "light_sleep",
                default=False,
                description="Let the module's serial port sleep while nothing is said; "
                "waking it costs a tenth of a second.",
            ): module_values.flag,
            vol.Optional(
                "release_assistance",
                default=False,
                description="Tell the network with each message that no other follows, so that the radio goes off "
                "at once; an answer that takes its time may then come late.",
            ): module_values.flag,
            vol.Optional(
                "retain_sockets",
                default=False,
                description="Keep UDP sockets open while the modem sleeps in PSM; needs `active_time` or "
                "`periodic_update`. TCP connections can't be kept.",
            ): module_values.flag,
        }
    )


def _recovery(directory: Path) -> _Section:
    gpio = _Section(
        {
            vol.Required(
                "chip", description="The GPIO chip: `gpiochip0` or a path; `gpiodetect` lists them."
            ): module_values.gpio_chip,
            vol.Required(
                "line", description=f"The line's number in the chip, 0 to {module_values.MAX_GPIO_LINE}."
            ): values.whole_number(0, module_values.MAX_GPIO_LINE),
        }
    )
    power = _Section(
        {
            vol.Optional(
                "command",
                description="A program with its arguments, as one text or as a list. It is run without a shell, "
                "and does the waiting between off and on itself.",
            ): module_values.command(directory),
            vol.Optional(
                "topic", description="The MQTT topic of a smart plug, or of a switch that presses PWRKEY."
            ): values.topic,
            vol.Optional(
                "press_payload",
                default=DEFAULT_PRESS_PAYLOAD,
                description="What is published to `topic` first; for a plug that feeds the modem, what turns it off.",
            ): module_values.payload,
            vol.Optional(
                "release_payload",
                default=DEFAULT_RELEASE_PAYLOAD,
                description="What is published to `topic` after `duration`; for such a plug, what turns it on.",
            ): module_values.payload,
            vol.Optional(
                "gpio", description="A GPIO line of this computer that presses PWRKEY: 1 for `duration`, then 0."
            ): gpio,
            vol.Optional(
                "duration",
                default=DEFAULT_PULSE,
                description="Seconds between press and release, 0.1 to 60: 0.8 to 1 for PWRKEY, 5 or more for a plug.",
            ): module_values.seconds(*module_values.PULSES),
            vol.Optional(
                "wakes",
                default=False,
                description="Whether this may also wake the modem from PSM: `true` for PWRKEY, `false` for a plug.",
            ): module_values.flag,
        }
    )
    return _Section(
        {
            vol.Optional(
                "attach_ceiling",
                default=DEFAULT_ATTACH_CEILING,
                description="How often the modem may be made to attach to the network within 24 hours, 4 to 1000; "
                "operators bar SIMs that try too often.",
            ): values.whole_number(*module_values.ATTACH_CEILINGS),
            vol.Optional(
                "power",
                description="A way to the modem's supply or its PWRKEY, used when nothing else has helped: one of "
                "`command`, `topic` and `gpio`. See [Power hook](#power-hook).",
            ): power,
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
        yield KeyDescription(path, isinstance(marker, vol.Required), _shown(default), str(marker.description))
        if isinstance(reader, _Section):
            yield from _describe(reader, f"{path}.")
        elif isinstance(reader, _Named):
            yield from _describe(reader.section, f"{path}.<{reader.noun}>.")


def _shown(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case str() | int() | float():
            return str(default)
    return ""
