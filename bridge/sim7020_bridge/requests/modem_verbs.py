"""The verbs that are carried out by the modem: readings, ping, names, the context, attaching, sleep, AT commands."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Final

from sim7020_bridge.commands.network import PingReply
from sim7020_bridge.commands.packet import ActivateContext, DeactivateContext, SetDefaultApn
from sim7020_bridge.commands.quoting import require_quotable
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.config import module_values, values
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.errors import BridgeError, RequestRefused
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pdn import DEFAULT_CID
from sim7020_bridge.modem.readings import read_all, read_pdn
from sim7020_bridge.modem.state import ModemState, PdnWanted
from sim7020_bridge.requests.body import Data, RequestBody, Verb

log: Final = logging.getLogger(__name__)

LINK_WAIT: Final = 90.0
"""Seconds that a request waits for the PDN context to come up before it answers with what there is."""


class ModemVerbs:
    """Carries out what is asked of the modem itself.

    Args:
        pdn: The contract's ``pdn`` as it is now.
    """

    def __init__(self, modem: Modem, *, pdn: Callable[[ModemState], object]) -> None:
        self._modem = modem
        self._pdn = pdn

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """Each verb and how it is carried out; ``at`` only where the configuration allows any command."""
        verbs: dict[str, Verb] = {
            "refresh": self._refresh,
            "ping": self._ping,
            "resolve": self._resolve,
            "activate": self._activate,
            "deactivate": self._deactivate,
            "set_apn": self._set_apn,
            "reattach": self._reattach,
            "reset": self._reset,
            "sleep": self._sleep,
            "wake": self._wake,
        }
        if self._modem.settings.allow_at:
            verbs["at"] = self._at
        return verbs

    async def _refresh(self, _body: RequestBody) -> Data:
        await read_all(self._modem.module)
        return {}

    async def _ping(self, body: RequestBody) -> Data:
        host = _quotable(body, "host")
        count = body.integer("count", minimum=1, maximum=100, default=4)
        self._check_budget()
        replies = await self._modem.module.ping(host, count)
        return {
            "host": host,
            "address": replies[0].address if replies else None,
            "sent": count,
            "received": sum(not reply.lost for reply in replies),
            "replies": [_reply(reply) for reply in replies],
        }

    async def _resolve(self, body: RequestBody) -> Data:
        name = _quotable(body, "name")
        with suppress(ValueError):
            # the module refuses to look up what is an address already
            return {"name": name, "addresses": [str(IPv4Address(name))]}
        self._check_budget()
        resolution = await self._modem.module.resolve(name)
        if not resolution.addresses:
            raise RequestRefused("resolve_failed", f"cannot resolve {name}: {resolution.words}")
        return {"name": name, "addresses": list(resolution.addresses)}

    async def _activate(self, _body: RequestBody) -> Data:
        module = self._modem.module
        await module.execute(ActivateContext(DEFAULT_CID))
        module.store.apply(PdnWanted(wanted=True))
        await read_pdn(module)
        return {"pdn": self._pdn(module.store.state)}

    async def _deactivate(self, _body: RequestBody) -> Data:
        module = self._modem.module
        module.store.apply(PdnWanted(wanted=False))
        try:
            await module.execute(DeactivateContext(DEFAULT_CID))
        except BridgeError:
            # whoever asked is told that it failed, so it must not come true later
            module.store.apply(PdnWanted(wanted=True))
            raise
        await read_pdn(module)
        return {"pdn": self._pdn(module.store.state)}

    async def _set_apn(self, body: RequestBody) -> Data:
        module = self._modem.module
        username, password = body.optional_text("username") or "", body.optional_text("password") or ""
        try:
            apn = SetDefaultApn(values.apn(body.text("apn")), username, password)
        except ValueError as error:
            raise RequestRefused("invalid_request", str(error)) from error
        warning = self._warning()
        await self._modem.set_apn(apn)
        await _until_online(module, or_refused=True)
        return {"apn": apn.apn, "pdn": self._pdn(module.store.state), **warning}

    async def _reattach(self, _body: RequestBody) -> Data:
        module = self._modem.module
        warning = self._warning()
        await cycle_radio(module)
        await _until_online(module)
        return {"pdn": self._pdn(module.store.state), **warning}

    async def _reset(self, _body: RequestBody) -> Data:
        warning = self._warning()
        await self._modem.reset()
        return warning

    def _check_budget(self) -> None:
        if not self._modem.store.affordable(None):
            raise RequestRefused("budget_used_up", "the data budget is used up, and this would cost data")

    def _warning(self) -> Data:
        """Return what goes into the response to a user who asks for one attach attempt too many."""
        over = self._modem.over_ceiling()
        return {} if over is None else {"warning": over}

    async def _sleep(self, body: RequestBody) -> Data:
        saving = PowerSavingSettings(
            active_time=_duration(body, "active_time", module_values.seconds(*module_values.ACTIVE_TIMES)),
            periodic_update=_duration(body, "periodic_update", module_values.seconds(*module_values.PERIODIC_UPDATES)),
            edrx_cycle=_duration(body, "edrx_cycle", module_values.edrx_cycle),
            paging_window=_duration(body, "paging_window", module_values.paging_window),
            light_sleep=body.flag("light_sleep", default=False),
            release_assistance=body.flag("release_assistance", default=False),
            retain_sockets=body.flag("retain_sockets", default=False),
        )
        try:
            await self._modem.save_power(None if saving == PowerSavingSettings() else saving)
        except ValueError as error:
            raise RequestRefused("invalid_request", str(error)) from error
        return {}

    async def _wake(self, _body: RequestBody) -> Data:
        if not await self._modem.wake():
            raise RequestRefused("cannot_wake", "the module does not sleep, or no power hook with wakes is configured")
        return {}

    async def _at(self, body: RequestBody) -> Data:
        text = body.text("command")
        try:
            command = RawCommand(text)
        except ValueError as error:
            raise RequestRefused("invalid_request", f"command: {error}") from error
        if not _allowed(text, self._modem.settings.allow_at):
            raise RequestRefused("not_allowed", "the configuration's allow_at does not have this command")
        log.warning("AT command on request: %s", command.shown())
        return {"command": text, "lines": list(await self._modem.module.execute(command))}


def _allowed(text: str, patterns: Sequence[str]) -> bool:
    """Whether a command line is in the allow-list; joined commands never are."""
    line = text.upper()
    return ";" not in line and any(_matches(line, pattern.upper()) for pattern in patterns)


def _matches(line: str, pattern: str) -> bool:
    if not pattern.endswith("*"):
        return line == pattern
    start = pattern[:-1]
    if not line.startswith(start):
        return False
    # what follows a basic command is joined to it without a mark (V.250 section 5.2.1), unless it is its number
    rest = line.removeprefix(start)
    return start == "AT" or line[2:3] in {"+", "*"} or rest == "" or rest.isdigit()


async def _until_online(module: Module, *, or_refused: bool = False) -> None:
    try:
        async with asyncio.timeout(LINK_WAIT):
            await module.store.until(lambda state: state.online or (or_refused and state.apn_problem is not None))
    except TimeoutError:
        log.warning("not online again within %g s", LINK_WAIT)


def _reply(reply: PingReply) -> Data:
    if reply.lost:
        return {"sequence": reply.sequence, "address": None, "time": None, "ttl": None}
    return {"sequence": reply.sequence, "address": reply.address, "time": reply.time_ms, "ttl": reply.ttl}


def _duration(body: RequestBody, key: str, read: Callable[[object], float]) -> float | None:
    """Read one of the durations that the configuration knows, as it does; None if it is not given."""
    value = body.fields.get(key)
    try:
        return None if value is None else read(value)
    except values.WrongValue as error:
        raise RequestRefused("invalid_request", f"{key} {error}") from error


def _quotable(body: RequestBody, key: str) -> str:
    text = body.text(key)
    try:
        require_quotable(text, key)
    except ValueError as error:
        raise RequestRefused("invalid_request", f"{key} must be a host name or an address") from error
    return text
