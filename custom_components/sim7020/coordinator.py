"""What is known of one modem, pushed by its bridge, and its config entry's runtime data.

What platforms, actions, triggers, repairs and diagnostics use:

- ``entry.runtime_data`` is the Coordinator of a loaded ``Sim7020ConfigEntry``.
- ``coordinator.data`` is a frozen Modem: ``info``, ``state``, ``sockets`` (states by name), ``alerts`` (by id) and
  ``available``. ``coordinator.async_add_listener(callback)`` calls back after every change of it.
- ``coordinator.sockets`` are the sockets that the bridge has, by name.
- ``coordinator.async_on_event(callback)`` and ``coordinator.async_on_received(callback)`` pass on what happens once: an
  Event of the modem, a Received of one of its sockets. Both return what ends it.
- ``coordinator.client`` asks the bridge: ``async_request`` and ``async_send``.
- ``coordinator.imei`` identifies the modem.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util.hass_dict import HassKey

from .client import FIRST_WITHIN, Client
from .compatibility import delete_contract_issue, report_contract
from .const import CONF_BASE, CONF_MODEM, CONTRACT, DOMAIN
from .documents import Alert, Event, Info, SocketInfo, SocketState, State
from .errors import BridgeError, BrokerUnreachable
from .reading import Reader
from .received import Received, decode
from .targets import modem_identifier, socket_identifier, socket_of
from .topics import Kind, Subject, Topics

_LOGGER: Final = logging.getLogger(__package__)

CONFIRMED_WITHIN: Final = 10.0
"""Seconds after a reconnection within which the broker has told all alerts that still hold."""

MOST_HELD: Final = 1000
"""Received messages that wait for the bridge to say how its sockets encode them."""

AWAY: Final[HassKey[set[str]]] = HassKey(f"{DOMAIN}_away")
"""The ids of the config entries that were logged as unavailable, also over a reload."""

type Sim7020ConfigEntry = ConfigEntry[Coordinator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Modem:
    """All that is known of a modem. ``ping`` is the shortest reply to the last ping in milliseconds."""

    linked: bool = False
    online: bool = False
    info: Info = field(default_factory=Info)
    state: State = field(default_factory=State)
    sockets: Mapping[str, SocketState] = field(default_factory=lambda: MappingProxyType({}))
    alerts: Mapping[str, Alert] = field(default_factory=lambda: MappingProxyType({}))
    ping: float | None = None

    @property
    def available(self) -> bool:
        """Home Assistant hears the broker, the bridge does too, and both speak the same contract."""
        return self.linked and self.online and self.info.contract == CONTRACT


class Coordinator(DataUpdateCoordinator[Modem]):
    """Keeps what the bridge publishes of one modem."""

    config_entry: Sim7020ConfigEntry

    def __init__(self, hass: HomeAssistant, entry: Sim7020ConfigEntry) -> None:
        super().__init__(hass, _LOGGER, config_entry=entry, name=entry.title)
        self.data = Modem()
        self.topics = Topics(entry.data[CONF_BASE], entry.data[CONF_MODEM])
        self.client = Client(hass, self.topics, heard=self._heard, changed=self._link_changed)
        self._reader = Reader()
        self._informed = asyncio.Event()
        self._opened = False
        self._listened = False
        self._held: deque[tuple[str, bytes]] = deque()
        self._called = False
        self._away = hass.data.setdefault(AWAY, set())
        self._unconfirmed: set[str] = set()
        self._confirmed: CALLBACK_TYPE | None = None
        self._event_listeners: list[Callable[[Event], None]] = []
        self._received_listeners: list[Callable[[Received], None]] = []

    @property
    def imei(self) -> str:
        """The modem's IMEI, which identifies it."""
        return self.config_entry.unique_id or ""

    @property
    def sockets(self) -> Mapping[str, SocketInfo]:
        """The sockets that the bridge has, by name."""
        return {socket.name: socket for socket in self.data.info.sockets or ()}

    @property
    def modem_device(self) -> DeviceInfo:
        """The modem as a device."""
        identifiers, info = {modem_identifier(self.imei)}, self.data.info
        if not self._informed.is_set():
            return DeviceInfo(identifiers=identifiers)  # the registry has the rest
        return DeviceInfo(
            identifiers=identifiers,
            name=self.config_entry.title,
            manufacturer="SIMCom",  # as people write it; a module says SIMCOM_Ltd
            model=info.model or "SIM7020",
            serial_number=self.imei,
            sw_version=info.firmware,
        )

    def socket_device(self, socket: SocketInfo) -> DeviceInfo:
        """Return a socket as a device that is reached through the modem."""
        identifiers = {socket_identifier(self.imei, socket.name)}
        if not self._informed.is_set():
            return DeviceInfo(identifiers=identifiers)
        modem = dr.async_get_device_id_by_identifier(
            self.hass, modem_identifier(self.imei), config_entry_id=self.config_entry.entry_id
        )
        return DeviceInfo(
            identifiers=identifiers,
            name=f"{self.config_entry.title} {socket.name}",
            entry_type=DeviceEntryType.SERVICE,
            model=" ".join(filter(None, ((socket.protocol or "").upper(), _endpoint(socket)))),
            via_device_id=modem,
        )

    async def async_open(self) -> None:
        """Listen to the bridge, and return once it has said who it is.

        A modem that was set up before does without: what its bridge says is taken up when it comes, and until then it
        has the sockets of which there are devices. So there are entities to send with, which can say what is wrong.

        Raises:
            ConfigEntryNotReady: There is no MQTT integration, or the modem under this name is another one; or it is
                set up for the first time, and the broker can't be reached or the bridge has not published ``info``.
        """
        try:
            await self.client.async_open()
        except BrokerUnreachable as error:
            raise _not_ready("not_connected") from error
        problem = None
        try:
            await self._async_first()
        except BrokerUnreachable:
            problem = _not_ready("not_connected")
        except TimeoutError:
            problem = _not_ready("no_info", topic=self.topics.info)
        if self._is_another(self.data.info):
            problem = _not_ready("another_modem", modem=self.topics.modem, imei=self.imei)
        elif problem is not None and (sockets := self._registered_sockets()) is not None:
            problem = None
            if not self._informed.is_set():
                self.data = replace(self.data, info=Info(sockets=sockets))
        if problem is not None:
            self.close()
            raise problem
        self.data = replace(self.data, linked=self.client.linked, online=self.client.online)
        self._opened = True
        self._update(self.data)

    async def _async_first(self) -> None:
        """Return once the bridge has said who it is and whether it is online."""
        await self.client.async_subscribed()
        async with asyncio.timeout(FIRST_WITHIN):
            await self._informed.wait()
            await self.client.told.wait()
        await self._async_call()

    async def _async_call(self) -> None:
        """Have the bridge publish again what the broker does not give to filters with wildcards, once a connection."""
        if self.data.info.retained_by_wildcard is False and not self._called:
            self._called = True
            await self.client.async_call()

    def _registered_sockets(self) -> tuple[SocketInfo, ...] | None:
        """Return the sockets that have devices, of which nothing but the name is known; None for an unknown modem."""
        registry, entry_id = dr.async_get(self.hass), self.config_entry.entry_id
        if registry.async_get_device_by_identifier(modem_identifier(self.imei), entry_id) is None:
            return None
        names = (socket_of(device.identifiers) for device in dr.async_entries_for_config_entry(registry, entry_id))
        return tuple(SocketInfo(name, None, None, None, None) for name in names if name)

    @callback
    def close(self) -> None:
        """Stop listening."""
        self._opened = False
        if self._confirmed is not None:
            self._confirmed()
        self.client.close()

    @callback
    def async_on_event(self, listener: Callable[[Event], None]) -> CALLBACK_TYPE:
        """Call back with what happens to the modem; the return value ends it."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    @callback
    def async_on_received(self, listener: Callable[[Received], None]) -> CALLBACK_TYPE:
        """Call back with what the modem's sockets receive; the return value ends it."""
        self._received_listeners.append(listener)
        return lambda: self._received_listeners.remove(listener)

    @callback
    def async_listened(self) -> None:
        """Begin to pass on what the sockets receive, and with what they have received since the modem was opened."""
        self._listened = True
        self._pass_on()

    @override
    async def _async_update_data(self) -> Modem:
        """Have the bridge read everything now, as homeassistant.update_entity asks. What it can't read stays."""
        if self.data.available and "refresh" in self.data.info.requests:
            try:
                await self.client.async_request("refresh")
            except BridgeError as error:
                _LOGGER.debug("%s could not be refreshed: %s", self.name, error)
        return self.data

    @callback
    def async_set_ping(self, milliseconds: float | None) -> None:
        """Keep the result of a ping; None: no reply came."""
        self.async_set_updated_data(replace(self.data, ping=milliseconds))

    @callback
    def async_register_devices(self) -> None:
        """Write the devices to the registry as the bridge has them now, and remove the sockets that it has no more."""
        if not self._informed.is_set():
            return
        registry = dr.async_get(self.hass)
        entry_id, info = self.config_entry.entry_id, self.data.info
        registry.async_get_or_create(config_entry_id=entry_id, **self.modem_device)
        wanted = {modem_identifier(self.imei)}
        for socket in self.sockets.values():
            registry.async_get_or_create(config_entry_id=entry_id, **self.socket_device(socket))
            wanted.add(socket_identifier(self.imei, socket.name))
        if info.contract != CONTRACT or info.sockets is None:
            return
        for device in dr.async_entries_for_config_entry(registry, entry_id):
            if not device.identifiers & wanted:
                registry.async_remove_device(device.id)

    @callback
    def _link_changed(self) -> None:
        self._called = self._called and self.client.linked
        if self._opened and self.client.linked and not self.data.linked:
            self._confirm_alerts()
        self._update(replace(self.data, linked=self.client.linked, online=self.client.online))

    def _confirm_alerts(self) -> None:
        """Drop the alerts that the broker does not tell again: they were mended while nobody listened."""
        self._unconfirmed = set(self.data.alerts)
        if self._confirmed is not None:
            self._confirmed()
        self._confirmed = None
        if self._unconfirmed:
            self._confirmed = async_call_later(self.hass, CONFIRMED_WITHIN, self._drop_alerts)

    @callback
    def _drop_alerts(self, _now: datetime) -> None:
        self._confirmed = None
        held = {name: alert for name, alert in self.data.alerts.items() if name not in self._unconfirmed}
        self._update(replace(self.data, alerts=MappingProxyType(held)))

    @callback
    def _heard(self, subject: Subject, topic: str, payload: bytes) -> None:
        data, read = self.data, self._reader.read
        match subject.kind:
            case Kind.INFO if payload:
                self._info_received(read(topic, payload, Info.of))
            case Kind.STATE if payload:
                self._update(replace(data, state=read(topic, payload, State.of)))
            case Kind.SOCKET_STATE:
                state = read(topic, payload, SocketState.of) if payload else None
                self._update(replace(data, sockets=_changed(data.sockets, subject.name, state)))
            case Kind.ALERT:
                self._unconfirmed.discard(subject.name)
                alert = read(topic, payload, Alert.of) if payload else None
                self._update(replace(data, alerts=_changed(data.alerts, subject.name, alert)))
            case Kind.EVENT:
                self._happened(read(topic, payload, Event.of))
            case Kind.RECEIVED:
                self._held.append((subject.name, payload))
                self._pass_on()
            case _:
                _LOGGER.debug("%s was emptied", topic)

    def _happened(self, event: Event) -> None:
        for listener in tuple(self._event_listeners):
            listener(event)

    def _pass_on(self) -> None:
        """Pass on what was received, once the bridge has said how it is encoded and somebody listens."""
        while self._held and self._listened and self._informed.is_set():
            name, payload = self._held.popleft()
            socket = self.sockets.get(name)
            received = decode(name, None if socket is None else socket.encoding, payload)
            for listener in tuple(self._received_listeners):
                listener(received)
        if len(self._held) > MOST_HELD:
            name, _ = self._held.popleft()
            _LOGGER.warning("Dropping a message that %s received: %s says nothing", name, self.topics.info)

    def _info_received(self, info: Info) -> None:
        before = self.data.info
        if info.sockets is None:
            info = replace(info, sockets=before.sockets)
        self.data = replace(self.data, info=info)
        self._informed.set()
        if info.contract == CONTRACT:
            delete_contract_issue(self.hass, self.config_entry)
        else:
            report_contract(self.hass, self.config_entry, info)
        if not self._opened:
            return  # async_open() goes on from here
        if self._is_another(info):
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
            return
        if info != before and info.contract == CONTRACT:
            self.async_register_devices()
        self._update(self.data)
        self._pass_on()
        self.config_entry.async_create_task(self.hass, self._async_call_again())

    async def _async_call_again(self) -> None:
        with suppress(BrokerUnreachable):  # it is done when the broker is back
            await self._async_call()

    def _is_another(self, info: Info) -> bool:
        return info.imei is not None and info.imei != self.imei

    def _update(self, data: Modem) -> None:
        """Keep what is known now, tell the listeners, and log when the modem's entities go and come back."""
        entry_id = self.config_entry.entry_id
        if self._opened and data.available == (entry_id in self._away):
            if data.available:
                self._away.remove(entry_id)
                _LOGGER.info("%s is available again", self.name)
            else:
                self._away.add(entry_id)
                _LOGGER.info("%s is unavailable: %s", self.name, _why(data))
        self.async_set_updated_data(data)


def _changed[Document](
    documents: Mapping[str, Document], name: str, document: Document | None
) -> Mapping[str, Document]:
    """Return the documents with one of them replaced, or taken away if it is None."""
    others = {key: value for key, value in documents.items() if key != name}
    return MappingProxyType(others if document is None else {**others, name: document})


def _why(data: Modem) -> str:
    if not data.linked:
        return "Home Assistant is not connected to its MQTT broker"
    if not data.online:
        return "the bridge is offline"
    if data.info.contract is None:
        return "the bridge has not said which version of the MQTT contract it speaks"
    return f"the bridge speaks version {data.info.contract} of the MQTT contract"


def _not_ready(key: str, **placeholders: str) -> ConfigEntryNotReady:
    return ConfigEntryNotReady(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders or None
    )


def _endpoint(socket: SocketInfo) -> str | None:
    return None if socket.host is None or socket.port is None else f"{socket.host}:{socket.port}"
