"""Each action with each of its fields at its limits: the real bridge takes what Home Assistant lets through."""

import base64
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from custom_components.sim7020.actions import (
    ACTIONS,
    EDRX_CYCLES,
    LONGEST_ID,
    LONGEST_TTL,
    OUTBOX_ACTIONS,
    PAGING_WINDOWS,
    PRIORITIES,
)
from tests.component.e2e.home import DOMAIN, Home
from tests.component.e2e.shed import ready
from tests.component.e2e.surroundings import SOCKET, Surroundings

SHORT, LONG = "k", "\u00e9" * LONGEST_ID
BYTES: Final = bytes(range(256))

# The order matters: what is asked to sleep at the end does.
ROWS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("send", {"text": "a", "wait_for_receipt": True, "timeout": 86400}),
    ("send", {"text": "\u00e9" * 256, "wait_for_receipt": False, "timeout": 1}),
    ("send", {"hex": "00"}),
    ("send", {"hex": BYTES.hex()}),
    ("send", {"base64": base64.b64encode(BYTES).decode()}),
    *(("send", {"text": "a", "ttl": ttl}) for ttl in (0.001, LONGEST_TTL)),
    *(("send", {"text": "a", "priority": priority}) for priority in PRIORITIES),
    *(("send", {"text": "a", field: value}) for field in ("key", "id") for value in (SHORT, LONG)),
    *(("ping", {"host": "127.0.0.1", "count": count}) for count in (1, 100)),
    ("resolve", {"name": "a"}),
    ("resolve", {"name": "a" * 255}),
    ("set_apn", {"apn": "a", "username": "", "password": ""}),
    ("set_apn", {"apn": "a" * 100, "username": "u" * 255, "password": "p" * 255}),
    ("at_command", {"command": "AT"}),
    ("at_command", {"command": "AT+CSQ"}),
    ("wake", {}),
    *(("calibrate", {"used": used}) for used in (1024**4, 0)),
    *(
        ("outbox", {"action": action, "socket": SOCKET, **({"id": SHORT} if action in {"show", "cancel"} else {})})
        for action in OUTBOX_ACTIONS
    ),
    *(("outbox", {"start": start, "limit": limit}) for start, limit in ((0, 1), (10**9, 100))),
    *(("sleep", {"edrx_cycle": cycle}) for cycle in (EDRX_CYCLES[0], EDRX_CYCLES[-1])),
    *(("sleep", {"edrx_cycle": 81.92, "paging_window": window}) for window in (PAGING_WINDOWS[0], PAGING_WINDOWS[-1])),
    *(("sleep", {"light_sleep": each, "release_assistance": each}) for each in (True, False)),
    ("sleep", {"active_time": 11160, "periodic_update": 35712000, "retain_sockets": True}),
    ("sleep", {"active_time": 2, "periodic_update": 3}),
]
# What the bridge takes and the module, the network or the rest of the request is against.
REFUSED: Final = {
    ("resolve", "resolve_failed"),
    ("resolve", "module_refused"),
    ("wake", "cannot_wake"),
    ("outbox", "unknown_message"),
    ("set_apn", "no_connection"),
    ("set_apn", "module_refused"),
}


def test_no_field_is_left_out() -> None:
    """Of any action."""
    tried: dict[str, set[str]] = {}
    for action, data in ROWS:
        tried.setdefault(action, {"socket"} if action == "send" else set()).update(data)
    assert tried == {name: {str(field) for field in action.fields} for name, action in ACTIONS.items()}


async def test_the_bridge_takes_what_home_assistant_lets_through(
    hass: HomeAssistant, home: Home, surroundings: Surroundings
) -> None:
    """Or says what is against it, and never that it can't read it."""
    _, entry = await ready(home, surroundings, allow_at=("AT*",))
    found = []
    for action, data in ROWS:
        more = {"config_entry_id": entry.entry_id, **({"socket": SOCKET} if action == "send" else {})}
        try:
            await hass.services.async_call(DOMAIN, action, more | data, blocking=True, return_response=True)
        except HomeAssistantError as error:
            code = (error.translation_placeholders or {}).get("code") or error.translation_key
            if (action, code) not in REFUSED:
                found.append(f"{action} {str(data)[:90]}: {code}, {str(error)[-200:]}")
    assert not found, "\n".join(found)
