"""The keys of a configuration file, each with its reader and its description."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim7020_bridge.config import model, module_values, values
from sim7020_bridge.config.http_keys import http
from sim7020_bridge.config.schema import Key, Named, Section, list_of, one_or_list_of
from sim7020_bridge.config.socket_keys import socket

_LONGEST_SHUTDOWN = 300
_MOST_MESSAGES = 1_000_000
_MOST_BYTES = 1024**4

_PORT = values.whole_number(1, values.MAX_PORT)


def root(directory: Path) -> Section:
    """Return the whole file's section; files that keys name are looked for in ``directory``."""
    return Section(
        model.Settings,
        Key("mqtt", broker(directory), "The broker.", required=True),
        Key("modems", Named(_modem(directory), noun="modem", fewest=1), "One or more modems by name.", required=True),
        Key(
            "state_dir",
            values.directory(directory),
            "The directory for what the bridge must know after a restart; created if it does not exist. "
            "Without it, systemd's `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/sim7020-bridge`, "
            "else `~/.local/state/sim7020-bridge`.",
        ),
        Key("logging", LOGGING, "What is logged, to standard error."),
        Key(
            "http", http(directory), "Serves `/health` and `/metrics`; off without it. See [Operations](operations.md)."
        ),
        Key(
            "shutdown_timeout",
            module_values.seconds(0, _LONGEST_SHUTDOWN),
            "Seconds that messages which are with the module have to finish when the bridge is stopped, 0 to 300.",
        ),
        Key(
            "home_assistant_discovery",
            values.discovery_prefix,
            "Announce modems to Home Assistant by MQTT discovery, for those who don't use the component: `true`, or "
            f"the prefix if it isn't `{values.DISCOVERY_PREFIX}`. See "
            "[Operations](operations.md#home-assistant-without-the-component).",
            default=False,
        ),
    )


class _Broker(Section):
    """The section ``mqtt``, which may name several nodes of one broker."""

    def build(self, read: Mapping[str, Any], **more: object) -> model.MqttSettings:
        """Return the settings of the first node, with the places of the others."""
        places = [read["host"]] if isinstance(read["host"], str) else read["host"]
        (host, port), *others = [(host, port or read["port"]) for host, port in map(values.host_and_port, places)]
        settings: model.MqttSettings = super().build(
            {**read, "host": host, "port": port}, other_nodes=tuple(others), **more
        )
        return settings


def broker(directory: Path, *, base_topic: str = model.DEFAULT_BASE_TOPIC) -> Section:
    """Return the section of a broker; files that keys name are looked for in ``directory``.

    With another ``base_topic`` than the bridge's it is another program's, which answers nobody's Response Topics.
    """
    file = values.readable_file(directory)
    tls = Section(
        model.TlsSettings,
        Key("ca_file", file, "Certificates to trust; without it, the system's."),
        Key("cert_file", file, "The client's certificate; together with `key_file`."),
        Key("key_file", file, "The client's private key, without a passphrase."),
    )
    answers = (_RESPONSE_TOPICS,) if base_topic == model.DEFAULT_BASE_TOPIC else ()
    return _Broker(
        model.MqttSettings,
        Key(
            "host",
            one_or_list_of(values.broker_place, "brokers, such as [a.example.net, b.example.net:1884]"),
            "Name or address of the broker, with `:PORT` if it isn't `port`. A list of such names the nodes of a "
            "cluster: if one can't be reached, the session goes on at the next. See [Brokers](brokers.md#clusters).",
            required=True,
        ),
        Key(
            "port",
            _PORT,
            f"The broker's port; {model.DEFAULT_PORT}, or {model.DEFAULT_TLS_PORT} with `tls`.",
            default=None,
        ),
        Key("username", values.credential, "The user to log in as."),
        Key("password", values.credential, "The password; better kept in a `password_file`."),
        Key("password_file", values.secret_file(directory), "A file that has only the password.", field="password"),
        Key("protocol", values.choice(model.MqttProtocol), "The MQTT version: `5` or `3.1.1`."),
        Key("base_topic", values.base_topic, "The prefix of all the bridge's topics.", default=base_topic),
        Key(
            "keepalive",
            values.whole_number(*values.KEEPALIVES),
            "Seconds of silence after which the connection is tested, 5 to 3600.",
        ),
        *answers,
        Key("tls", tls, "Encrypt the connection and verify the broker's name; `{}` trusts what the system trusts."),
    )


_RESPONSE_TOPICS = Key(
    "response_topics",
    list_of(values.topic_filter, "topics, such as [answers/#]"),
    "Which Response Topics MQTT 5 clients may name: those that match one of these, wildcards included; "
    "`[]` allows none. Without it, all that don't look like a bridge's own. See "
    "[Security](security.md#the-broker-who-may-do-what).",
    default=None,
)


def _modem(directory: Path) -> Section:
    return Section(
        model.ModemSettings,
        Key(
            "port",
            values.serial_port,
            "A path such as `/dev/ttyUSB0`, `socket://host:port` or `rfc2217://host:port`.",
            required=True,
        ),
        Key(
            "client_id",
            values.client_id,
            "The MQTT client identifier, where a broker prescribes one or takes at most 23 characters; without it, "
            "`sim7020-bridge-` and the modem's name, with another `base_topic` than the default before that and a dot "
            "between them.",
        ),
        Key("baudrate", values.baudrate, "Line rate in bit/s, one that the module has."),
        Key(
            "pin",
            module_values.pin,
            'The SIM\'s PIN, in quotes as in `"0000"`; only for a SIM that asks for one. '
            "A PIN that the SIM refuses is never tried again: three wrong ones lock it.",
        ),
        Key("pin_file", module_values.pin_file(directory), "A file that has only the PIN.", field="pin"),
        Key("apn", values.apn, "The APN to use; without it, the module keeps the one it has."),
        Key("apn_username", values.login, "The user name for the APN."),
        Key("apn_password", values.login, "The password for the APN."),
        Key(
            "apn_password_file",
            module_values.apn_password_file(directory),
            "A file that has only the password.",
            field="apn_password",
        ),
        Key(
            "sockets",
            Named(socket(directory), noun="socket", fewest=0, most=model.MAX_SOCKETS),
            f"Up to {model.MAX_SOCKETS} sockets by name.",
        ),
        Key(
            "outbox",
            _OUTBOX,
            "Limits of what waits for the network, and for the broker. See [Delivery](delivery.md).",
        ),
        Key("data_budget", _DATA_BUDGET, "How much the modem may send and receive. See [Delivery](delivery.md)."),
        Key(
            "power_saving",
            _POWER_SAVING,
            "Lets the modem sleep, to save a battery; without it, the bridge switches all power "
            "saving off, and the modem can be reached at any time. See [Power saving](#power-saving).",
        ),
        Key("recovery", _recovery(directory), "How far the bridge goes to bring the modem back."),
        Key(
            "allow_at",
            list_of(module_values.at_command, 'AT commands, such as ["AT+CSQ", "AT+CENG?"]'),
            "AT commands that the request `at` may send to the module, for example "
            '`[AT+CSQ, "AT+CENG?"]`; without it, none. One with `*` at its end allows all that start so.',
        ),
        Key(
            "time_server",
            values.time_server,
            "Name or address of an internet time server (SNTP) for the module's clock, for networks "
            "that don't provide the time; asking it costs a little data.",
        ),
    )


_OUTBOX = Section(
    model.OutboxSettings,
    Key(
        "max_messages",
        values.whole_number(1, _MOST_MESSAGES),
        "Messages that may wait, 1 to 1000000; each takes about 1 KB of memory and its payload.",
    ),
    Key(
        "max_bytes",
        values.whole_number(1024, _MOST_BYTES),
        "Bytes that they take, from 1024 on: payload, id, key, Response Topic and Correlation Data.",
    ),
    Key(
        "when_full",
        values.choice(model.WhenFull),
        "What happens to a message for which there is no room: `reject` it, or `drop_oldest` to give up the oldest "
        "message of the lowest priority instead, never one of a higher priority.",
    ),
    Key(
        "max_received",
        values.whole_number(1, _MOST_MESSAGES),
        "Messages from the network that may wait for the broker; beyond that the oldest is dropped, with an event.",
    ),
)

_DATA_BUDGET = Section(
    model.DataBudgetSettings,
    Key(
        "bytes",
        values.whole_number(1, _MOST_BYTES),
        "Bytes that may be sent and received in a billing period, as `billing` counts them. At 80 % there is an alert; "
        "when they are used up, `low` and `normal` messages wait, and `high` and `critical` ones still go. "
        "Without it, bytes are only counted.",
    ),
    Key(
        "first_day",
        values.whole_number(1, 28),
        "The day of the month on which the billing period starts, 1 to 28, at 0:00 UTC.",
    ),
    Key(
        "billing",
        values.choice(model.Billing),
        "What the operator bills: `bytes`, each byte from the IP header on; `packets`, 54 more for each packet; or "
        "`sessions`, which are rounded up to 1,024 bytes, each day. See "
        "[How the operator counts](delivery.md#how-the-operator-counts).",
    ),
)

_POWER_SAVING = Section(
    model.PowerSavingSettings,
    Key(
        "active_time",
        module_values.seconds(*module_values.ACTIVE_TIMES),
        "Seconds for which the modem can still be reached after it last sent or received "
        "(T3324), 2 to 11160; then it falls asleep (PSM) and hears nothing.",
    ),
    Key(
        "periodic_update",
        module_values.seconds(*module_values.PERIODIC_UPDATES),
        "Seconds after which a sleeping modem wakes on its own to tell the network that it is "
        "still there (T3412 extended), 2 to 35712000; longer than `active_time`. "
        "Messages wait until then unless the bridge can wake the modem.",
    ),
    Key(
        "edrx_cycle",
        module_values.edrx_cycle,
        "Seconds between the moments at which the modem listens (eDRX): "
        f"{', '.join(map(str, module_values.EDRX_CYCLES))}. What is sent to it waits that long; "
        "from 163.84 on, the module doesn't hear the bridge in between either.",
    ),
    Key(
        "paging_window",
        module_values.paging_window,
        "Seconds for which the modem listens each time: a multiple of 2.56 up to 40.96, "
        "not longer than `edrx_cycle`, which it needs.",
    ),
    Key(
        "light_sleep",
        module_values.flag,
        "Let the module's serial port sleep while it is idle; waking it costs a tenth of a second.",
    ),
    Key(
        "release_assistance",
        module_values.flag,
        "Tell the network with each message behind which no other waits that none follows, so that the radio goes "
        "off at once; an answer that takes longer may then arrive late.",
    ),
    Key(
        "retain_sockets",
        module_values.flag,
        "Keep UDP sockets open while the modem sleeps in PSM; needs `active_time` or "
        "`periodic_update`. TCP connections can't be kept.",
    ),
)


def _recovery(directory: Path) -> Section:
    gpio = Section(
        model.GpioSettings,
        Key(
            "chip",
            module_values.gpio_chip,
            "The GPIO chip: `gpiochip0` or a path; `gpiodetect` lists them.",
            required=True,
        ),
        Key(
            "line",
            values.whole_number(0, module_values.MAX_GPIO_LINE),
            f"The line's number in the chip, 0 to {module_values.MAX_GPIO_LINE}.",
            required=True,
        ),
    )
    power = Section(
        model.PowerHookSettings,
        Key(
            "command",
            module_values.command(directory),
            "A program with its arguments, as one text or as a list. It is run without a shell, "
            "and must itself wait between off and on.",
            default=None,
        ),
        Key("topic", values.topic, "The MQTT topic of a smart plug, or of a switch that presses PWRKEY."),
        Key(
            "press_payload",
            values.text,
            "What is published to `topic` first; for a plug that powers the modem, what turns it off.",
        ),
        Key(
            "release_payload",
            values.text,
            "What is published to `topic` after `duration`; for such a plug, what turns it on.",
        ),
        Key("gpio", gpio, "A GPIO line of this computer that presses PWRKEY: 1 for `duration`, then 0."),
        Key(
            "duration",
            module_values.seconds(*module_values.PULSES),
            "Seconds between press and release, 0.1 to 60: 0.8 to 1 for PWRKEY, 5 or more for a plug.",
        ),
        Key(
            "wakes",
            module_values.flag,
            "Whether this may also wake the modem from PSM: `true` for PWRKEY, `false` for a plug.",
        ),
    )
    return Section(
        model.RecoverySettings,
        Key(
            "attach_ceiling",
            values.whole_number(*module_values.ATTACH_CEILINGS),
            "How often the modem may be made to attach to the network within 24 hours, 4 to 1000; "
            "operators bar SIMs that try too often.",
        ),
        Key(
            "power",
            power,
            "A way to switch the modem's power or press its PWRKEY, used when nothing else has helped: one of "
            "`command`, `topic` and `gpio`. See [Power hook](#power-hook).",
        ),
    )


LOGGING = Section(
    model.LoggingSettings,
    Key(
        "format",
        values.choice(model.LogFormat),
        "`text` for people, or `json`: one object a line, with `time`, `level`, `logger`, `modem` and `message`.",
    ),
    Key("level", values.choice(model.LogLevel), "The least that is logged: `debug`, `info`, `warning` or `error`."),
    Key(
        "levels",
        values.levels,
        "Levels of single parts, as in `{trace: debug, mqtt: warning}`; `trace` is the AT dialogue, identities and "
        f"payload masked. The parts are {', '.join(model.LogPart)}.",
    ),
)
