"""What may be attached to a bug report: everything known of a modem but who and where it is, and what it carries."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .const import CONF_PING_HOST
from .coordinator import Modem, Sim7020ConfigEntry

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

_IN_WORDS: Final = re.compile(
    r"\d{10,}"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
    r"|(?<![\w:])(?:(?:[\da-fA-F]{1,4}:){7}[\da-fA-F]{1,4}|(?:[\da-fA-F]{1,4}:)*(?::[\da-fA-F]{1,4})+)(?![\w:])"
)
"""Identities and addresses as they may stand in the bridge's sentences."""


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant,  # noqa: ARG001
    entry: Sim7020ConfigEntry,
) -> dict[str, Any]:
    """Return what is known of a modem, redacted."""
    known = _document({"entry": entry.as_dict(), **(_modem(entry.runtime_data.data) if _is_loaded(entry) else {})})
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


def _document(value: Mapping[str, object]) -> dict[str, object]:
    """Return a document of nothing but dictionaries and lists, in which every key is found, and times as text."""
    return {str(key): _plain(each) for key, each in value.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return _document(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _secrets(value: object, key: str = "") -> set[str]:
    """Return what stands under one of the secret keys, wherever it is, as sentences have it: a port after a colon."""
    if isinstance(value, dict):
        return {secret for name, each in value.items() for secret in _secrets(each, name)}
    if isinstance(value, list):
        return {secret for each in value for secret in _secrets(each, key)}
    if key not in SECRET or not value:
        return set()
    return {value} if isinstance(value, str) else {f":{value}"}


def _in_words(value: object, secrets: list[str]) -> object:
    """Return a document with the secrets taken out of its sentences."""
    if isinstance(value, dict):
        return {key: _in_words(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_words(each, secrets) for each in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return _IN_WORDS.sub(REDACTED, value)
    return value
