"""The repair issue for a bridge that speaks another version of the MQTT contract."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import CONTRACT, DOMAIN
from .documents import Info


def _issue_id(entry: ConfigEntry) -> str:
    return f"contract_{entry.entry_id}"


@callback
def report_contract(hass: HomeAssistant, entry: ConfigEntry, info: Info) -> None:
    """Tell the user which of the two is too old: the bridge or this component."""
    newer = info.contract is not None and info.contract > CONTRACT
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(entry),
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="contract_newer" if newer else "contract_older",
        translation_placeholders={
            "modem": entry.title,
            "bridge_version": info.bridge_version or "?",
            "bridge_contract": "?" if info.contract is None else str(info.contract),
            "contract": str(CONTRACT),
        },
    )


@callback
def delete_contract_issue(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Withdraw the issue."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(entry))
