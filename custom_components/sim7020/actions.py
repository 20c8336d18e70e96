"""Actions: what automations and people ask of a modem beyond what its entities offer."""

import base64
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

import probatio
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry
from homeassistant.util.json import JsonObjectType

from .client import is_host
from .const import DOMAIN
from .coordinator import Coordinator, Sim7020ConfigEntry
from .documents import Receipt, has_connection
from .errors import BridgeError, NoConnection, NotUnicode, RequestRefused, TooLarge
from .reading import Keys
from .targets import async_acting_entities, async_sockets
from .texts import text, whole, wrong

PRIORITIES: Final = ("low", "normal", "high", "critical")
OUTBOX_ACTIONS: Final = ("list", "show", "cancel", "purge")

LONGEST_TTL: Final = 31_622_400
"""Seconds that a bridge takes."""

LONGEST_ID: Final = 128
"""Characters of an id or a key that a bridge takes."""

RECEIPT_WITHIN: Final = 60
"""Seconds to wait for a final receipt unless the caller says otherwise."""

NAME_WITHIN: Final = 90.0
"""Seconds until a bridge has resolved a name, or given up."""

PING_REPLY_WITHIN: Final = 10.0
"""Seconds that the module waits for each reply to a ping."""

AT_WITHIN: Final = 190.0
"""Seconds until the module has answered an AT command of which the bridge knows nothing."""

WRONG_USE: Final = {
    "empty",
    "invalid_request",
    "line_feed",
    "not_allowed",
    "too_large",
    "unknown_message",
    "unknown_socket",
    "unknown_verb",
}
"""Codes of refusals that the caller can avoid."""

EDRX_CYCLES: Final = tuple(5.12 * 2**n for n in range(2, 12))
"""Seconds that can be asked for."""

PAGING_WINDOWS: Final = tuple(round(2.56 * n, 2) for n in range(1, 17))
"""Seconds that can be asked for."""


def _host(value: object) -> str:
    # a number is no host: 5 would be resolved, to 0.0.0.5
    if not is_host(host := text(value).strip()) or isinstance(value, int | float):
        raise wrong("no_host")
    return host


_NAME: Final = probatio.All(text, probatio.Length(min=1))

_MODEM: Final = {probatio.Required(ATTR_CONFIG_ENTRY_ID): cv.string}
_SOCKET: Final = {probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string, **cv.ENTITY_SERVICE_FIELDS}


@dataclass(frozen=True, slots=True)
class Action:
    """An action: the request that it makes, what it takes besides the modem, and what carries it out.

    One that ``takes_socket`` may be given a target instead of the modem and the socket's name. ``policy`` says of what
    was given what a user needs for the entity that it acts on; None: it is for administrators only.
    """

    verb: str
    carry_out: Callable[[Coordinator, dict[str, Any]], Awaitable[JsonObjectType]]
    fields: Mapping[probatio.Marker, Any]
    supports_response: SupportsResponse = SupportsResponse.OPTIONAL
    takes_socket: bool = False
    policy: Callable[[Mapping[str, Any]], str | None] = lambda _: POLICY_CONTROL


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register every action."""
    for name, action in ACTIONS.items():
        hass.services.async_register(
            DOMAIN,
            name,
            _called(hass, action),
            schema=probatio.Schema({**(_SOCKET if action.takes_socket else _MODEM), **action.fields}),
            supports_response=action.supports_response,
        )


def _called(hass: HomeAssistant, action: Action) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    async def called(call: ServiceCall) -> ServiceResponse:
        given = dict(call.data)
        user, policy = await _restricted(hass, call), action.policy(given)
        if user is not None and policy is None:
            raise Unauthorized(context=call.context)
        entry_id = _aimed(hass, given) if action.takes_socket else given.pop(ATTR_CONFIG_ENTRY_ID)
        entry: Sim7020ConfigEntry = async_get_config_entry(hass, DOMAIN, entry_id)
        if user is not None and policy is not None and not _may(hass, user, policy, entry, given.get("socket")):
            raise Unauthorized(context=call.context, permission=policy)
        coordinator: Coordinator = entry.runtime_data
        coordinator.client.check_online()
        if (info := coordinator.data.info).contract is not None and action.verb not in info.requests:
            raise wrong("request_not_taken", modem=entry.title, verb=action.verb)
        try:
            data = await action.carry_out(coordinator, given)
        except BridgeError as error:
            if not _is_wrong_use(error):
                raise
            raise ServiceValidationError(
                translation_domain=error.translation_domain,
                translation_key=error.translation_key,
                translation_placeholders=error.translation_placeholders,
            ) from error
        return data if call.return_response else None

    return called


def _is_wrong_use(error: BridgeError) -> bool:
    return isinstance(error, TooLarge | NotUnicode) or (isinstance(error, RequestRefused) and error.code in WRONG_USE)


def _aimed(hass: HomeAssistant, given: dict[str, Any]) -> str:
    """Take the modem out of what was given and return its config entry; leave in the name of the one socket."""
    target = {str(key): given.pop(str(key)) for key in cv.ENTITY_SERVICE_FIELDS if str(key) in given}
    by_name = given.keys() & {ATTR_CONFIG_ENTRY_ID, "socket"}
    if not target and len(by_name) == 2:  # noqa: PLR2004 - the two
        return str(given.pop(ATTR_CONFIG_ENTRY_ID))
    sockets = [] if by_name else list(async_sockets(hass, target))
    if len(sockets) != 1:
        raise wrong("one_socket")
    ((entry_id, given["socket"]),) = sockets
    return entry_id


async def _restricted(hass: HomeAssistant, call: ServiceCall) -> User | None:
    """Return the user who asks, or None for one who may do all: an administrator, or an automation."""
    if call.context.user_id is None:
        return None
    user = await hass.auth.async_get_user(call.context.user_id)
    if user is None:
        raise UnknownUser(context=call.context)
    return None if user.is_admin else user


def _may(hass: HomeAssistant, user: User, policy: str, entry: Sim7020ConfigEntry, socket: str | None) -> bool:
    """Tell whether a user has the policy for what acts there: the socket's notify entity, or a button of the modem."""
    if user.permissions.access_all_entities(policy):
        return True
    acting = async_acting_entities(hass, entry, socket)
    return any(user.permissions.check_entity(entity_id, policy) for entity_id in acting)


async def _send(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    """Send a message, and return what is known of it in the end."""
    wait, timeout = given.pop("wait_for_receipt"), given.pop("timeout")
    body = _with_payload(given)
    _check_socket(coordinator, given["socket"])
    return _told(await coordinator.client.async_send(body, receipt_within=timeout if wait else None))


def _with_payload(given: dict[str, Any]) -> JsonObjectType:
    """Return the body of the request: with the message under the contract's key for the form it is given in."""
    forms = {"text": "data", "hex": "data_hex", "base64": "data_base64"}
    if len(forms.keys() & given) != 1:
        raise wrong("one_payload")
    if "hex" in given and not _is_decoded_by(bytes.fromhex, given["hex"]):
        raise wrong("invalid_hex")
    if "base64" in given and not _is_decoded_by(base64.b64decode, "".join(given["base64"].split()), validate=True):
        raise wrong("invalid_base64")
    return {forms.get(key, key): value for key, value in given.items()}


def _is_decoded_by(decode: Callable[..., bytes], encoded: str, **options: bool) -> bool:
    try:
        decode(encoded, **options)
    except ValueError:
        return False
    return True


def _check_socket(coordinator: Coordinator, socket: str) -> None:
    if socket not in coordinator.sockets:
        raise wrong("unknown_socket", socket=socket, sockets=", ".join(sorted(coordinator.sockets)) or "-")


def _told(receipt: Receipt) -> JsonObjectType:
    """Return a receipt as an action's response."""
    return {
        "id": receipt.id,
        "socket": receipt.socket,
        "state": receipt.state,
        "final": receipt.final,
        "at": None if receipt.at is None else receipt.at.isoformat(),
        "bytes": receipt.bytes,
        "attempts": receipt.attempts,
        **({"repeated": True} if receipt.repeated else {}),
    }


async def _ping(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    within = NAME_WITHIN + PING_REPLY_WITHIN * given["count"]
    return await coordinator.client.async_request("ping", given, within=within)


async def _resolve(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    return await coordinator.client.async_request("resolve", given)


async def _set_apn(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    answer = await coordinator.client.async_request("set_apn", given)
    if not has_connection(Keys(answer)):
        raise NoConnection
    return answer


async def _sleep(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    return await coordinator.client.async_request("sleep", given)


async def _wake(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    return await coordinator.client.async_request("wake", given)


async def _calibrate(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    return await coordinator.client.async_request("calibrate", given)


async def _at_command(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    return await coordinator.client.async_request("at", given, within=AT_WITHIN)


async def _outbox(coordinator: Coordinator, given: dict[str, Any]) -> JsonObjectType:
    if "socket" in given:
        _check_socket(coordinator, given["socket"])
    if given["action"] in {"show", "cancel"} and "id" not in given:
        raise wrong("id_wanted", action=given["action"])
    if given["action"] in {"list", "purge"} and "id" in given:
        raise wrong("id_unwanted", action=given["action"])
    return await coordinator.client.async_request("outbox", given)


ACTIONS: Final = {
    "send": Action(
        "send",
        _send,
        {
            probatio.Optional("socket"): text,
            probatio.Optional("text"): _NAME,
            probatio.Optional("hex"): _NAME,
            probatio.Optional("base64"): _NAME,
            probatio.Optional("ttl"): probatio.All(
                probatio.Coerce(float), probatio.Range(min=0, min_included=False, max=LONGEST_TTL)
            ),
            probatio.Optional("priority"): probatio.In(PRIORITIES),
            probatio.Optional("key"): probatio.All(text, probatio.Length(min=1, max=LONGEST_ID)),
            probatio.Optional("id"): probatio.All(text, probatio.Length(min=1, max=LONGEST_ID)),
            probatio.Optional("wait_for_receipt", default=False): cv.boolean,
            probatio.Optional("timeout", default=RECEIPT_WITHIN): probatio.All(
                probatio.Coerce(float), probatio.Range(min=1, max=86400)
            ),
        },
        takes_socket=True,
    ),
    "ping": Action(
        "ping",
        _ping,
        {
            probatio.Required("host"): _host,
            probatio.Optional("count", default=4): probatio.All(whole, probatio.Range(min=1, max=100)),
        },
        SupportsResponse.ONLY,
    ),
    "resolve": Action("resolve", _resolve, {probatio.Required("name"): _host}, SupportsResponse.ONLY),
    "set_apn": Action(
        "set_apn",
        _set_apn,
        {
            probatio.Required("apn"): probatio.All(text, probatio.Length(min=1, max=100)),
            probatio.Optional("username"): text,
            probatio.Optional("password"): text,
        },
        policy=lambda _: None,
    ),
    "at_command": Action(
        "at",
        _at_command,
        {probatio.Required("command"): probatio.All(text, probatio.Length(min=2))},
        policy=lambda _: None,
    ),
    "sleep": Action(
        "sleep",
        _sleep,
        {
            probatio.Optional("active_time"): probatio.All(probatio.Coerce(float), probatio.Range(min=2, max=11160)),
            probatio.Optional("periodic_update"): probatio.All(
                probatio.Coerce(float), probatio.Range(min=2, max=35712000)
            ),
            probatio.Optional("edrx_cycle"): probatio.All(probatio.Coerce(float), probatio.In(EDRX_CYCLES)),
            probatio.Optional("paging_window"): probatio.All(probatio.Coerce(float), probatio.In(PAGING_WINDOWS)),
            probatio.Optional("light_sleep"): cv.boolean,
            probatio.Optional("release_assistance"): cv.boolean,
            probatio.Optional("retain_sockets"): cv.boolean,
        },
        policy=lambda _: None,
    ),
    "wake": Action("wake", _wake, {}),
    "calibrate": Action(
        "calibrate",
        _calibrate,
        {probatio.Required("used"): probatio.All(whole, probatio.Range(min=0, max=1024**4))},
        policy=lambda _: None,
    ),
    "outbox": Action(
        "outbox",
        _outbox,
        {
            probatio.Optional("action", default="list"): probatio.In(OUTBOX_ACTIONS),
            probatio.Optional("socket"): text,
            probatio.Optional("id"): _NAME,
            probatio.Optional("start"): probatio.All(whole, probatio.Range(min=0, max=10**9)),
            probatio.Optional("limit"): probatio.All(whole, probatio.Range(min=1, max=100)),
        },
        policy=lambda given: POLICY_READ if given["action"] in {"list", "show"} else None,
    ),
}
