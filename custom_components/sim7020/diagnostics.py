"""What may be attached to a bug report: everything known of a modem but who and where it is, and what it carries."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from custom_components.sim7020.const import CONF_PING_HOST
from custom_components.sim7020.coordinator import Modem, Sim7020ConfigEntry

SECRET: Final = {
    "address",
    "cell_id",
    "host",
    "iccid",
    "imei",
    "imsi",
    "port",
    CONF_PING_HOST,
    "unique_id",
}
"""Keys of what identifies the modem, its SIM, its place, or whom it talks to."""

_IN_WORDS: Final = re.compile(r"\d{10,}|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
"""Identities and addresses as they may stand in the bridge's sentences."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
) -> dict[str, Any]:
    """Return what is known of a modem, redacted."""
    known = {"entry": entry.as_dict(), **(_modem(entry.runtime_data.data) if _is_loaded(entry) else {})}
    secrets = sorted(_secrets(known), key=len, reverse=True)
    return {key: _in_words(value, secrets) for key, value in async_redact_data(known, SECRET).items()}


def _is_loaded(entry: Sim7020ConfigEntry) -> bool:
    return entry.state is ConfigEntryState.LOADED


def _modem(data: Modem) -> dict[str, Any]:
    return {
        "linked": data.linked,
        "online": data.online,
        "info": asdict(data.info),
        "state": asdict(data.state),
        "sockets": {name: asdict(state) for name, state in data.sockets.items()},
        "alerts": {name: asdict(alert) for name, alert in data.alerts.items()},
        "ping": data.ping,
    }


def _secrets(value: object, key: str = "") -> set[str]:
    """Return the texts that stand under one of the secret keys, wherever it is."""
    if isinstance(value, dict):
        return {secret for name, each in value.items() for secret in _secrets(each, name)}
    if isinstance(value, list | tuple):
        return {secret for each in value for secret in _secrets(each, key)}
    return {value} if key in SECRET and isinstance(value, str) and value else set()


def _in_words(value: object, secrets: list[str]) -> object:
    """Return a document with the secrets taken out of its sentences, and times as text."""
    if isinstance(value, dict):
        return {key: _in_words(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(each, secrets) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return _IN_WORDS.sub(REDACTED, value)
    return value
