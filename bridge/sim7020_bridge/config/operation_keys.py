"""The keys about running the bridge: its log, its HTTP port, its end."""

from collections.abc import Mapping

from sim7020_bridge.config import module_values, values
from sim7020_bridge.config.model import (
    HttpSettings,
    LogFormat,
    LoggingSettings,
    LogLevel,
    LogPart,
)
from sim7020_bridge.config.schema import Key, Section

LONGEST_SHUTDOWN = 300
DISCOVERY_PREFIX = "homeassistant"


def levels(value: object) -> dict[LogPart, LogLevel]:
    """Read the levels of single parts."""
    part, level = values.choice(LogPart), values.choice(LogLevel)
    if not isinstance(value, Mapping):
        raise values.WrongValue(f"must be a mapping of parts ({', '.join(LogPart)}) to levels ({', '.join(LogLevel)})")
    read = {}
    for key, item in value.items():
        try:
            read[part(key)] = level(item)
        except values.WrongValue as error:
            raise values.WrongValue(f"{key}: {error}") from error
    return read


LOGGING = Section(
    LoggingSettings,
    Key(
        "format",
        values.choice(LogFormat),
        "`text` for people, or `json`: one object a line, with `time`, `level`, `logger`, `modem` and `message`.",
    ),
    Key(
        "level",
        values.choice(LogLevel),
        "The least that is logged: `debug`, `info`, `warning` or `error`.",
    ),
    Key(
        "levels",
        levels,
        "Levels of single parts, as in `{trace: debug, mqtt: warning}`; `trace` is the AT dialogue, identities and "
        f"payload masked. The parts are {', '.join(LogPart)}.",
    ),
)

HTTP = Section(
    HttpSettings,
    Key("port", values.whole_number(1, values.MAX_PORT), "The TCP port; nothing listens without it.", required=True),
    Key(
        "host",
        values.broker_host,
        "The address to listen at; only this computer can reach the default. There is no password.",
    ),
)


def discovery_prefix(value: object) -> str | None:
    """Read whether Home Assistant is told, and under which prefix."""
    if isinstance(value, bool):
        return DISCOVERY_PREFIX if value else None
    if not isinstance(value, str):
        raise values.WrongValue("must be true, false or what discovery topics start with")
    return values.base_topic(value)


DISCOVERY = Key(
    "home_assistant_discovery",
    discovery_prefix,
    "Make modems known to Home Assistant by MQTT discovery, for those who don't use the component: `true`, or the "
    f"prefix if it isn't `{DISCOVERY_PREFIX}`. See [Operations](operations.md#home-assistant-without-the-component).",
    default=False,
)

SHUTDOWN_TIMEOUT = Key(
    "shutdown_timeout",
    module_values.seconds(0, LONGEST_SHUTDOWN),
    "Seconds that messages which are with the module have to come to their end when the bridge is stopped, 0 to 300.",
)
