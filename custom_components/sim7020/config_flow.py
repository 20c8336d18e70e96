"""Set a modem up: discovered by its bridge's retained ``info``, or named by the user."""

from collections.abc import Mapping
from typing import Any, Final, override

import probatio
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlow,
    OptionsFlowWithReload,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo

from .client import async_first, is_host, is_topic
from .const import (
    CONF_BASE,
    CONF_MODEM,
    CONF_PING_HOST,
    CONTRACT,
    DEFAULT_BASE,
    DEFAULT_PING_HOST,
    DOMAIN,
)
from .coordinator import Sim7020ConfigEntry
from .documents import Info
from .errors import BrokerUnreachable
from .reading import Reader, UnreadableDocument
from .topics import Topics

AVAILABILITY_WITHIN: Final = 2.0
"""Seconds until a retained ``availability`` has come."""


class Sim7020ConfigFlow(ConfigFlow, domain=DOMAIN):
    """The flow that makes a config entry, whose unique id is the modem's IMEI."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        self._topics = Topics(DEFAULT_BASE, "")

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: Sim7020ConfigEntry) -> OptionsFlow:
        """Return the flow for the options."""
        return Sim7020OptionsFlow()

    @override
    async def async_step_mqtt(self, discovery_info: MqttServiceInfo) -> ConfigFlowResult:
        """Take up a modem whose ``info`` appeared on the default base topic.

        Home Assistant hands over each payload once: whoever is not ready now comes again only with another payload.
        """
        base, modem, _ = discovery_info.topic.rsplit("/", 2)
        self._topics = Topics(base, modem)
        payload = discovery_info.payload
        if not payload:
            self._forget_discovery()
            return self.async_abort(reason="modem_gone")
        info, problem = _read(self._topics, payload.encode() if isinstance(payload, str) else bytes(payload))
        if problem or info.imei is None:
            return self.async_abort(reason=problem or "no_imei")
        self.context["title_placeholders"] = self._offer
        await self._claim(info.imei)
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether the discovered modem is to be added."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if await self._online(self._topics):
                return self._create()
            errors["base"] = "bridge_offline"
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm",
            errors=errors,
            description_placeholders={"modem": self._topics.modem, "imei": self.unique_id or ""},
        )

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Add the modem that the user names."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._topics = _topics(user_input)
            info, errors = await self._probe()
            if not errors:
                await self.async_set_unique_id(info.imei, raise_on_progress=False)
                self._abort_if_unique_id_configured()
                return self._create()
        return self._form("user", errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Find the same modem under another base topic or name."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is None:
            self._topics = Topics(entry.data[CONF_BASE], entry.data[CONF_MODEM])
        else:
            self._topics = _topics(user_input)
            info, errors = await self._probe()
            if not errors:
                await self.async_set_unique_id(info.imei, raise_on_progress=False)
                self._abort_if_unique_id_mismatch(reason="another_modem")
                return self.async_update_reload_and_abort(
                    entry, title=_title_after(entry, self._topics), data_updates=self._data
                )
        return self._form("reconfigure", errors)

    @property
    def _data(self) -> dict[str, str]:
        return {CONF_BASE: self._topics.base, CONF_MODEM: self._topics.modem}

    def _create(self) -> ConfigFlowResult:
        return self.async_create_entry(title=_title(self._topics), data=self._data)

    def _form(self, step_id: str, errors: dict[str, str]) -> ConfigFlowResult:
        schema = probatio.Schema(
            {
                probatio.Required(CONF_BASE): TextSelector(),
                probatio.Required(CONF_MODEM): TextSelector(),
            }
        )
        return self.async_show_form(
            step_id=step_id, data_schema=self.add_suggested_values_to_schema(schema, self._data), errors=errors
        )

    async def _probe(self) -> tuple[Info, dict[str, str]]:
        """Return what the bridge tells of the named modem, and the form's errors if that is not enough."""
        if not is_topic(self._topics.base):
            return Info(), {CONF_BASE: "invalid_base_topic"}
        if not is_topic(self._topics.modem) or "/" in self._topics.modem:
            return Info(), {CONF_MODEM: "invalid_modem"}
        try:
            payload = await async_first(self.hass, self._topics.info)
        except BrokerUnreachable:
            return Info(), {"base": "broker_unreachable"}
        if not payload:
            return Info(), {"base": "no_info"}
        info, problem = _read(self._topics, payload)
        if not problem and not await self._online(self._topics):
            problem = "bridge_offline"  # what a modem that was renamed left behind stays in the broker for ever
        return info, {"base": problem} if problem else {}

    async def _claim(self, imei: str) -> None:
        """Make this the flow for a discovered modem, unless it is known or another flow has it.

        A modem that was renamed leaves the ``info`` of its old name behind: of two names the one counts whose bridge is
        online.
        """
        entry = await self.async_set_unique_id(imei, raise_on_progress=False)
        if entry is not None:
            moved = entry.source != SOURCE_IGNORE and dict(entry.data) != self._data
            if moved and not _is_served(entry) and await self._online(self._topics):
                self.hass.config_entries.async_update_entry(entry, title=_title_after(entry, self._topics))
                self._abort_if_unique_id_configured(updates=self._data)
            self._abort_if_unique_id_configured()
        rivals = self._rivals(imei)
        if rivals and (self._offer in map(_offer_of, rivals) or not await self._online(self._topics)):
            raise AbortFlow("already_in_progress")
        for rival in self._rivals(imei):
            self.hass.config_entries.flow.async_abort(rival["flow_id"])

    def _rivals(self, imei: str) -> list[ConfigFlowResult]:
        return self._async_in_progress(match_context={"unique_id": imei})

    @property
    def _offer(self) -> dict[str, str]:
        """What distinguishes the offers of discovered modems, in their title and among each other."""
        return {"name": _title(self._topics)}

    async def _online(self, topics: Topics) -> bool:
        try:
            return await async_first(self.hass, topics.availability, within=AVAILABILITY_WITHIN) == b"online"
        except BrokerUnreachable:
            return False

    def _forget_discovery(self) -> None:
        """Withdraw the offer of a modem whose ``info`` was removed from the broker."""
        for flow in self._async_in_progress(match_context={"title_placeholders": self._offer}):
            self.hass.config_entries.flow.async_abort(flow["flow_id"])


class Sim7020OptionsFlow(OptionsFlowWithReload):
    """What can be chosen for a modem that is set up."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose the host that the button pings."""
        errors: dict[str, str] = {}
        suggested = {CONF_PING_HOST: self.config_entry.options.get(CONF_PING_HOST, DEFAULT_PING_HOST)}
        if user_input is not None:
            suggested = {CONF_PING_HOST: user_input[CONF_PING_HOST].strip()}
            if is_host(suggested[CONF_PING_HOST]):
                return self.async_create_entry(data=suggested)
            errors[CONF_PING_HOST] = "no_host"
        schema = probatio.Schema({probatio.Required(CONF_PING_HOST): TextSelector()})
        return self.async_show_form(
            step_id="init", data_schema=self.add_suggested_values_to_schema(schema, suggested), errors=errors
        )


def _title(topics: Topics) -> str:
    """Return what a modem is called: two bridges may have one of the same name, under different base topics."""
    return f"SIM7020 {topics.modem}" if topics.base == DEFAULT_BASE else f"SIM7020 {topics.modem} ({topics.base})"


def _title_after(entry: ConfigEntry, topics: Topics) -> str:
    """Return the title of an entry that moves to other topics: what a user called it stays."""
    before = Topics(entry.data[CONF_BASE], entry.data[CONF_MODEM])
    return _title(topics) if entry.title == _title(before) else entry.title


def _offer_of(flow: ConfigFlowResult) -> Mapping[str, str]:
    return flow["context"].get("title_placeholders", {})


def _topics(user_input: dict[str, Any]) -> Topics:
    return Topics(user_input[CONF_BASE].strip().strip("/"), user_input[CONF_MODEM].strip())


def _read(topics: Topics, payload: bytes) -> tuple[Info, str | None]:
    """Return what the payload says, and why the modem can't be set up yet."""
    try:
        info = Reader().read(topics.info, payload, Info.of)
    except UnreadableDocument:
        return Info(), "invalid_info"
    if info.contract != CONTRACT:
        return info, "wrong_contract"
    return info, None if info.imei else "no_imei"


def _is_served(entry: Sim7020ConfigEntry) -> bool:
    """Tell whether the bridge is online where the entry has it."""
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.data.online
