"""The bridge's alerts as repair issues: each for as long as it holds."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueSeverity

from .const import DOMAIN
from .coordinator import Coordinator, Sim7020ConfigEntry
from .documents import Alert

SEVERITIES: Final = {
    "apn_rejected": IssueSeverity.ERROR,
    "baud_rate": IssueSeverity.ERROR,
    "broker_limited": IssueSeverity.WARNING,
    "data_budget": IssueSeverity.WARNING,
    "module_restarts": IssueSeverity.ERROR,
    "module_silent": IssueSeverity.ERROR,
    "not_registering": IssueSeverity.ERROR,
    "not_sim7020": IssueSeverity.ERROR,
    "outbox_damaged": IssueSeverity.WARNING,
    "outbox_full": IssueSeverity.WARNING,
    "outbox_storage": IssueSeverity.ERROR,
    "port_busy": IssueSeverity.ERROR,
    "port_missing": IssueSeverity.ERROR,
    "port_not_permitted": IssueSeverity.ERROR,
    "port_unusable": IssueSeverity.ERROR,
    "radio_refused": IssueSeverity.ERROR,
    "registration_denied": IssueSeverity.ERROR,
    "session_taken_over": IssueSeverity.ERROR,
    "sim_failed": IssueSeverity.ERROR,
    "sim_missing": IssueSeverity.ERROR,
    "sim_pin": IssueSeverity.ERROR,
    "sim_puk": IssueSeverity.ERROR,
    "sockets_refused": IssueSeverity.ERROR,
    "subscription_refused": IssueSeverity.ERROR,
    "supply": IssueSeverity.WARNING,
    "topic_forbidden": IssueSeverity.WARNING,
}
"""The alerts that have a text of their own: warnings while the modem still works."""

FIXABLE: Final = {"apn_rejected", "registration_denied"}
"""Those that can be mended from Home Assistant, in repairs.py."""

UNACTIONABLE: Final = {"attach_ceiling"}
"""Alerts that only say that waiting helps."""


@callback
def async_report_alerts(hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
    """Keep an issue for each alert that a user can act on, until the entry is unloaded."""
    coordinator = entry.runtime_data
    reported: dict[str, Alert] = {}

    @callback
    def report() -> None:
        alerts = {name: alert for name, alert in coordinator.data.alerts.items() if name not in UNACTIONABLE}
        for name in reported.keys() - alerts.keys():
            del reported[name]
            ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, name))
        for name, alert in alerts.items():
            if reported.get(name) != alert:
                reported[name] = alert
                _create(coordinator, name, alert)

    @callback
    def withdraw() -> None:
        for name in reported:
            ir.async_delete_issue(hass, DOMAIN, _issue_id(entry, name))

    report()
    entry.async_on_unload(coordinator.async_add_listener(report))
    entry.async_on_unload(withdraw)


def _issue_id(entry: Sim7020ConfigEntry, name: str) -> str:
    return f"{name}_{entry.entry_id}"


def _create(coordinator: Coordinator, name: str, alert: Alert) -> None:
    entry = coordinator.config_entry
    ir.async_create_issue(
        coordinator.hass,
        DOMAIN,
        _issue_id(entry, name),
        data={"entry_id": entry.entry_id, "alert": name},
        is_fixable=name in FIXABLE,
        severity=SEVERITIES.get(name, IssueSeverity.WARNING),
        translation_key=name if name in SEVERITIES else "other_alert",
        translation_placeholders={
            "modem": entry.title,
            "alert": name,
            "message": alert.message or name,
            "advice": alert.advice or "-",
        },
    )
