"""A probe from top to bottom: port, baud rate, module, SIM, signal, registration, context, DNS, ping."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Probe as AtProbe
from sim7020_bridge.at.command import Urc
from sim7020_bridge.commands.network import PingReply
from sim7020_bridge.commands.registration import RegistrationReport
from sim7020_bridge.config.model import DEFAULT_BAUDRATE, ModemSettings
from sim7020_bridge.errors import BridgeError, LineError, PortUnavailable
from sim7020_bridge.kit.probe.advice import Problem
from sim7020_bridge.kit.probe.finding import Check, Detail, Finding, Report, Status, Wanted
from sim7020_bridge.kit.probe.line import BETWEEN_RATES, answers, listening, rates
from sim7020_bridge.kit.probe.network import Network, error_numbers
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.heard import Heard
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_identity
from sim7020_bridge.modem.state import ModuleAnswered, ModuleLost, PortLost, PortOpened
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port.listing import serial_ports


class Probe:
    """One probe of one port.

    What the module stores is left as it is, and what is set in passing is set back.

    Args:
        wanted: What to probe.
        on_finding: Called with each finding.
        waiting: Called when something is begun that may take a while: which check, and what in words.
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        on_finding: Callable[[Finding], None],
        waiting: Callable[[Check, str], None] = lambda *_: None,
    ) -> None:
        self._wanted = wanted
        self._store = StateStore()
        self._heard = Heard()
        self._acknowledged = False
        self._refused = ""
        self._report = Report(self._store, on_finding, waiting)
        self._module: Module | None = None

    async def run(self) -> bool:
        """Probe as far as it goes; whether all layers hold."""
        try:
            for tried, rate in enumerate(rates(self._wanted.port, self._wanted.baudrate)):
                self._report.check = Check.PORT if not self._store.state.port_open else Check.BAUD_RATE
                async with listening(self._wanted.port, rate, self._take_urc) as channel:
                    self._opened()
                    self._report.begin(Check.BAUD_RATE, f"asking for an answer at {rate}")
                    if await answers(channel, first=tried == 0):
                        return await self._from_module(channel, rate)
                    self._heard.count_text(channel.rest)
                    self._acknowledged |= channel.acknowledged
                    self._refused = self._refused or channel.refused
                # what was heard at one rate must not be taken for the beginning of a line at the next
                await asyncio.sleep(BETWEEN_RATES)
        except PortUnavailable as error:
            self._store.apply(PortLost(error.detail, error.reason))
            if error.reason == "missing":
                return self._missing()
            return self._report.broken(said_by=tuple(AlertId), check=Check.PORT)
        except LineError as error:
            return self._report.broken(f"The line broke: {error}", Problem.LINE_BROKE)
        self._silent()
        return False

    def _missing(self) -> bool:
        """Tell that there is no such device, and which there are."""
        ports = ", ".join(port.best_name for port in serial_ports())
        summary = f"There is no device {self._wanted.port}"
        if not ports:
            return self._report.broken(summary, Problem.NO_PORTS, check=Check.PORT)
        return self._report.broken(summary, Problem.NO_DEVICE, details={"ports": ports}, check=Check.PORT)

    def _opened(self) -> None:
        if not self._store.state.port_open:
            self._store.apply(PortOpened(self._wanted.port))
            self._report.passed(f"{self._wanted.port} is open", {"port": self._wanted.port}, check=Check.PORT)

    async def _from_module(self, channel: Channel, rate: int) -> bool:
        wanted = self._wanted.baudrate
        if wanted is not None and rate != wanted:
            return self._report.broken(
                f"The module answers at {rate}, not at {wanted}",
                Problem.OTHER_RATE,
                details={"baudrate": rate, "wanted": wanted},
            )
        self._tell_rate(rate)
        self._store.apply(ModuleAnswered())
        module = Module(channel, self._store, ModemSettings("probe", self._wanted.port), _timing(self._wanted.patience))
        self._module = module
        try:
            self._report.begin(Check.MODULE, "asking who it is")
            async with self._numeric_results(channel), error_numbers(module):
                return await self._identified(module) and await Network(module, self._wanted, self._report).check()
        except LineError:
            raise
        except BridgeError as error:
            return self._report.broken(f"The module stopped making sense: {error}", Problem.SENSELESS)

    def _tell_rate(self, rate: int) -> None:
        """Tell the rate, and whether the bridge has to be told it too."""
        details: dict[str, Detail] = {"baudrate": rate}
        if self._wanted.baudrate is None and rate != DEFAULT_BAUDRATE:
            self._report.passed(f"{rate} bit/s", details, status=Status.WARNING, problem=Problem.RATE_TO_SET)
        else:
            self._report.passed(f"{rate} bit/s", details)

    async def _identified(self, module: Module) -> bool:
        await read_identity(module)
        identity = self._store.state.identity
        details: dict[str, Detail] = {
            "manufacturer": identity.manufacturer,
            "model": identity.model,
            "imei": identity.imei,
        }
        if AlertId.NOT_SIM7020 in alerts(self._store.state):
            return self._report.broken(said_by=(AlertId.NOT_SIM7020,), details=details)
        if identity.model is None:
            return self._report.broken("It answers AT, but does not say what it is", Problem.NO_MODEM, details=details)
        self._report.passed(f"{identity.model} by {identity.manufacturer or 'an unknown maker'}", details)
        if identity.firmware is None:
            self._report.passed("the module does not tell its firmware", status=Status.WARNING, check=Check.FIRMWARE)
        else:
            self._report.passed(identity.firmware, {"firmware": identity.firmware}, check=Check.FIRMWARE)
        return True

    @asynccontextmanager
    async def _numeric_results(self, channel: Channel) -> AsyncIterator[None]:
        """Leave a module that answered AT with a number, until it was told ATQ0V1, as it was."""
        numeric = self._heard.zeros > 0
        try:
            yield
        finally:
            if numeric:
                # its answer is a number again, which is none here
                with suppress(BridgeError):
                    await channel.execute(AtProbe(_LAST_WORD, "ATV0"))

    def _silent(self) -> None:
        heard = self._heard
        if heard.garbage and not heard.texts:
            self._store.apply(ModuleLost("", silent=True, garbled=True))
            self._report.broken(said_by=tuple(AlertId))
            return
        self._report.passed("not known: nothing answers AT", status=Status.SKIPPED)
        self._report.check = Check.MODULE
        if heard.telnet:
            talk = heard.words(acknowledged=self._acknowledged, refused=self._refused)
            self._report.broken(f"Something talks at the port, but it is no modem: {talk}", Problem.OTHER_SERVER)
        elif heard.texts:
            self._report.broken(f"Something talks at the port, but it is no modem: {heard.example!r}", Problem.NO_MODEM)
        elif self._acknowledged:
            self._report.broken("Something answers OK at the port to whatever it is asked", Problem.NO_MODEM)
        elif self._refused:
            self._report.broken(f"Something says {self._refused} to AT at the port", Problem.NO_MODEM)
        elif heard.echoes:
            self._report.broken("What is sent comes back, and nothing else", Problem.ECHO)
        else:
            self._store.apply(ModuleLost("", silent=True))
            self._report.broken(said_by=tuple(AlertId))

    def _take_urc(self, urc: Urc) -> None:
        if not self._store.state.answering:
            self._heard.count(urc)
        match urc:
            case PingReply() if self._module is not None:
                self._module.take_ping_reply(urc)
            case RegistrationReport("+CEREG", registration):
                self._store.apply(registration)


def _timing(patience: float) -> Timing:
    """Return how long a person may be kept waiting at each step."""
    return Timing(sim_poll=1.0, sim_patience=20.0, registration_poll=1.0, registration_patience=patience, pdn_poll=1.0)


_LAST_WORD: Final = 0.3
"""Seconds."""
