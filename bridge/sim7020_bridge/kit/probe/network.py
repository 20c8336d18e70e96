"""From a module that answers to an echo from the internet."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.identity import ReportErrorsByNumber
from sim7020_bridge.commands.network import ReadDnsServers
from sim7020_bridge.commands.packet import ReadBackoffTimer
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.errors import BridgeError, CommandRefused, RequestRefused
from sim7020_bridge.kit.decode.words import verdict
from sim7020_bridge.kit.probe.advice import Problem
from sim7020_bridge.kit.probe.finding import Check, Detail, Report, Status, Wanted
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.bring_up import PDN, RADIO, REGISTRATION, SIM, is_withheld, reach
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pdn import NO_ADDRESS
from sim7020_bridge.modem.pin import enter_pin, tries_left
from sim7020_bridge.modem.problems import ApnProblem, PinProblem
from sim7020_bridge.modem.readings import read_registration, read_subscriber
from sim7020_bridge.modem.state import ModemState, SimOverdue

_PINGS: Final = 3


class Network:
    """The layers behind a module that answers; tells its findings and stops at the first that does not hold."""

    def __init__(self, module: Module, wanted: Wanted, report: Report) -> None:
        self._module = module
        self._wanted = wanted
        self._report = report
        self._address = ""
        self._pin_details: dict[str, Detail] = {}

    @property
    def _state(self) -> ModemState:
        return self._module.store.state

    async def check(self) -> bool:
        """Probe as far as it goes; whether all layers hold."""
        steps = (self._sim, self._signal, self._registration, self._context, self._resolve, self._ping)
        for step in steps:
            if not await step():
                return False
        return True

    async def _sim(self) -> bool:
        self._report.begin(Check.SIM, "waiting for the SIM")
        await reach(self._module, SIM, settled=lambda state: state.sim is not None and not state.sim.busy)
        if self._state.pin_wanted:
            await self._enter_pin(self._wanted.pin)
        sim = self._state.sim
        if sim is None or not sim.ready:
            if sim is not None and sim.unclear:
                self._module.store.apply(SimOverdue())
            ids = (AlertId.SIM_MISSING, AlertId.SIM_PIN, AlertId.SIM_PUK, AlertId.SIM_FAILED)
            if self._pin_details.get("pin_tries_left") in {0, 1} and sim is not None and sim.pin_required:
                summary = f"The SIM asks for its PIN: {self._state.pin_problem}"
                return self._report.broken(summary, Problem.LAST_PIN_TRY, details=self._pin_details)
            summary = "The SIM is not ready" if sim is None else f"The SIM is not ready: {sim.words}"
            return self._report.broken(summary, Problem.SIM_NOT_READY, said_by=ids, details=self._pin_details)
        await read_subscriber(self._module)
        identity = self._state.identity
        return self._report.passed("ready", {"imsi": identity.imsi, "iccid": identity.iccid})

    async def _enter_pin(self, pin: str | None) -> None:
        self._report.begin(Check.SIM, "entering the PIN")
        problem = "none was given" if pin is None else await enter_pin(self._module, pin, self._wanted.pins)
        if problem is None:
            await reach(self._module, SIM, settled=SIM.holds)
        else:
            self._module.store.apply(PinProblem(problem))
            with suppress(BridgeError):
                left = await tries_left(self._module)
                self._pin_details = {} if left is None else {"pin_tries_left": left}

    async def _signal(self) -> bool:
        self._report.begin(Check.SIGNAL, "looking for a signal")
        if not await reach(self._module, RADIO):
            return self._report.broken("The radio is off", Problem.RADIO_OFF)
        await reach(self._module, REGISTRATION, settled=_has_signal_or_is_registered)
        signal = self._state.signal
        if signal is None or signal.dbm is None:
            if self._state.registered:
                return self._report.passed("strength not known", status=Status.WARNING)
            return self._report.broken("There is no signal", Problem.WEAK_SIGNAL)
        details: dict[str, Detail] = {"rssi_index": signal.rssi_index, "dbm": signal.dbm, "verdict": verdict(signal)}
        summary = f"{signal.dbm} dBm, {verdict(signal)}"
        if signal.usable:
            return self._report.passed(summary, details)
        if self._state.registered:
            return self._report.passed(summary, details, problem=Problem.WEAK_SIGNAL, status=Status.WARNING)
        return self._report.broken(f"The signal is too weak: {summary}", Problem.WEAK_SIGNAL, details=details)

    async def _registration(self) -> bool:
        self._report.begin(Check.REGISTRATION, "waiting for the network")
        await reach(self._module, REGISTRATION, settled=_is_decided)
        if is_withheld(self._state):
            return self._report.broken(
                "The module found its cell and waits for the command to attach", Problem.WITHHELD
            )
        if _denied(self._state):
            await _read_cause(self._module)
        registration = self._state.registration
        words = "not known" if registration is None else registration.words
        if not self._state.registered:
            ids = (AlertId.APN_REJECTED, AlertId.REGISTRATION_DENIED)
            summary = f"Not registered within {self._wanted.patience:g} s: {words}"
            if not _denied(self._state) and (seconds := await self._module.ask(ReadBackoffTimer())):
                summary = f"The network told the module to stay away; {seconds} s of that are left (T3346)"
                return self._report.broken(summary, Problem.BACK_OFF, details={"backoff_seconds": seconds})
            return self._report.broken(summary, Problem.NOT_REGISTERED, said_by=ids)
        return self._report.passed(words, {"registration": words})

    async def _context(self) -> bool:
        self._report.begin(Check.APN, "waiting for an address")
        await reach(self._module, PDN)
        pdn = self._state.pdn
        details: dict[str, Detail] = {"apn": pdn.apn}
        if not pdn.active:
            self._module.store.apply(ApnProblem("the PDN context does not come up"))
            return self._report.broken("There is no PDN context", Problem.NO_CONTEXT, said_by=(AlertId.APN_REJECTED,))
        wanted = self._wanted.apn
        if wanted is not None and not _same_apn(pdn.apn, wanted):
            summary = f"The APN is {pdn.apn or 'not reported'}, not {wanted}"
            return self._report.broken(summary, Problem.OTHER_APN, details={**details, "wanted": wanted})
        self._report.passed(pdn.apn or "chosen by the network, not reported", details)
        if pdn.address is None:
            lacks = pdn.lacks or NO_ADDRESS
            return self._report.broken(lacks[0].upper() + lacks[1:], Problem.NO_CONTEXT, check=Check.ADDRESS)
        return self._report.passed(pdn.address, {"address": pdn.address}, check=Check.ADDRESS)

    async def _resolve(self) -> bool:
        host = self._wanted.host
        if host is None or _is_address(host):
            self._report.passed(
                "not asked for" if host is None else "an address was given", status=Status.SKIPPED, check=Check.DNS
            )
            self._address = host or ""
            return True
        self._report.begin(Check.DNS, f"resolving {host}")
        servers = ", ".join(await self._module.ask(ReadDnsServers()) or ())
        details: dict[str, Detail] = {"host": host, "servers": servers}
        try:
            answer = await self._module.resolve(host)
            problem = answer.words
        except (CommandRefused, RequestRefused) as error:
            return self._report.broken(f"{host} was not resolved: {error}", Problem.NO_NAMES, details=details)
        if not answer.addresses:
            return self._report.broken(f"{host} was not resolved: {problem}", Problem.NO_NAMES, details=details)
        self._address = answer.addresses[0]
        return self._report.passed(f"{host} is {self._address}", {**details, "address": self._address})

    async def _ping(self) -> bool:
        if not self._address:
            return self._report.passed("not asked for", status=Status.SKIPPED, check=Check.PING)
        self._report.begin(Check.PING, f"pinging {self._address}")
        try:
            replies = await self._module.ping(self._address, _PINGS)
        except CommandRefused as refused:
            return self._report.broken(f"The module would not ping: {refused}", Problem.NO_REPLY)
        came = [reply.time_ms for reply in replies if not reply.lost]
        details: dict[str, Detail] = {"address": self._address, "sent": _PINGS, "received": len(came)}
        if not came:
            return self._report.broken(f"{self._address} does not answer", Problem.NO_REPLY, details=details)
        summary = f"{len(came)} of {_PINGS} came back, the fastest after {min(came)} ms"
        status = Status.FINE if len(came) == _PINGS else Status.WARNING
        return self._report.passed(summary, {**details, "fastest_ms": min(came)}, status=status)


def _denied(state: ModemState) -> bool:
    return state.registration is not None and state.registration.denied


def _has_signal_or_is_registered(state: ModemState) -> bool:
    return state.registered or (state.signal is not None and state.signal.usable)


def _is_decided(state: ModemState) -> bool:
    return state.registered or _denied(state) or is_withheld(state)


def _same_apn(one: str | None, other: str) -> bool:
    """Whether two APNs are the same but for the operator's part, which networks may add."""
    return one is not None and one.casefold().partition(".mnc")[0] == other.casefold().partition(".mnc")[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@asynccontextmanager
async def error_numbers(module: Module) -> AsyncIterator[None]:
    """Have the module say why it refuses something, as long as this lasts."""
    before = await _first_number(module, "AT+CMEE?")
    await module.try_setting(ReportErrorsByNumber())
    try:
        yield
    finally:
        if before is not None and before != 1:
            with suppress(BridgeError):
                await module.execute(RawCommand(f"AT+CMEE={before}"))


async def _read_cause(module: Module) -> None:
    """Read the registration with the network's cause, which the module tells in some modes only."""
    before = await _first_number(module, "AT+CEREG?")
    if not await module.try_setting(ReportRegistration(_WITH_CAUSE)):
        return
    try:
        await read_registration(module)
    finally:
        if before is not None:
            await module.try_setting(ReportRegistration(before))


_WITH_CAUSE: Final = 5


async def _first_number(module: Module, question: str) -> int | None:
    with suppress(BridgeError, ValueError):
        lines = await module.execute(RawCommand(question))
        return Cursor(Line.of(lines[-1])).integer() if lines else None
    return None
