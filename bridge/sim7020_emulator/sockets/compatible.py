"""One link of the SIM800-compatible stack. Source: TCP/IP note V1.02 section 4."""

import socket
from collections.abc import Callable

from sim7020_emulator.schedule import Schedule
from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.internet import FailurePoint, Internet, NameNotResolved


class CompatibleStack:
    """Its bring-up state and its link; received bytes come out bare, as +CIPHEAD=0 has it.

    Args:
        report: Emits an unsolicited line.
    """

    def __init__(self, schedule: Schedule, internet: Internet, report: Callable[[str], None]) -> None:
        self._schedule = schedule
        self._internet = internet
        self._report = report
        self._link: HostSocket | None = None
        self.task = ("", "", "")
        self.state = "IP INITIAL"

    @property
    def connected(self) -> bool:
        """Say whether the link is up or coming up."""
        return self._link is not None

    def connect(self, kind: str, host: str, port: int) -> None:
        """Connect; ``CONNECT OK`` or ``CONNECT FAIL`` follows."""
        self.state = "TCP CONNECTING"
        link = HostSocket(
            self._schedule,
            stream=kind == "TCP",
            family=socket.AF_INET,
            on_data=lambda data: self._report(data.decode("latin-1")),
            on_error=lambda _: self._closed(),
            on_acknowledged=lambda _: None,
        )
        self._link = link
        self._schedule.start(self._connect(link, host, port), "compatible connect")

    def send(self, data: bytes) -> bool:
        """Send; False when it can't be."""
        if self._link is None:
            return False
        try:
            self._link.send(data, self._schedule.timing.uplink)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the link, if there is one."""
        if self._link is not None:
            self._link.close()
            self._link = None
            self.state = "TCP CLOSED"

    def forget(self) -> None:
        """Lose everything without a word, as a reset does."""
        if self._link is not None:
            self._link.abandon()
            self._link = None
        self.state = "IP INITIAL"

    def bearer_lost(self) -> None:
        """Report what a lost PDN takes with it."""
        if self._link is not None:
            self.forget()
            self._report("+PDP: DEACT")

    async def _connect(self, link: HostSocket, host: str, port: int) -> None:
        await self._schedule.pause(self._schedule.timing.tcp_open)
        try:
            address = await self._internet.address(host)
            if self._internet.failure(address, port, FailurePoint.CONNECT) is not None:
                raise ConnectionRefusedError
            await link.connect(*self._internet.route(address, port))
        except (OSError, NameNotResolved):
            link.abandon()
            if self._link is link:
                self._link = None
                self.state = "TCP CLOSED"
                self._report("CONNECT FAIL")
            return
        self.state = "CONNECT OK"
        self._report("CONNECT OK")

    def _closed(self) -> None:
        self._link = None
        self.state = "TCP CLOSED"
        self._report("CLOSED")
