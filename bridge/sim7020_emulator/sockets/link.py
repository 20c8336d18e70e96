"""One link of the SIM800-compatible stack."""

import asyncio
from collections import deque
from enum import StrEnum

from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.module_socket import Received


class LinkState(StrEnum):
    """What +CIPSTATUS prints of a link."""

    INITIAL = "INITIAL"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    CLOSED = "CLOSED"


class Link:
    """A link, connected or not; what it received outlives its connection.

    Args:
        number: 0 to 5; the one link without +CIPMUX is 0.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = LinkState.INITIAL
        self.kind = ""
        self.peer: tuple[str, int] | None = None
        self.received = Received()
        self.transparent = False
        self.real: HostSocket | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._reports: deque[asyncio.Future[bool] | None] = deque()

    @property
    def busy(self) -> bool:
        """Say whether the link is up or coming up."""
        return self.state in {LinkState.CONNECTING, LinkState.CONNECTED}

    def begin(self, kind: str, host: str, port: int) -> None:
        """Start over: forget what the connection before has left."""
        self.state = LinkState.CONNECTING
        self.kind, self.peer = kind, (host, port)
        self.transparent = False
        self.received.clear()

    def wait_in(self, connecting: asyncio.Task[None]) -> None:
        """Remember the task that connects; it is cancelled when the link is taken down."""
        self._connecting = connecting

    def up(self, real: HostSocket) -> None:
        """Be connected."""
        self.state = LinkState.CONNECTED
        self.real = real
        self._connecting = None

    def expect_report(self, report: asyncio.Future[bool] | None) -> None:
        """Note that a stream's send will be acknowledged; ``report`` is told so, or that it never will be."""
        self._reports.append(report)

    def acknowledged(self) -> None:
        """Note that the peer has acknowledged the oldest send."""
        self._settle(self._reports.popleft(), sent=True)

    def down(self, *, at_once: bool = True) -> None:
        """Have no connection any more; what waits to be sent is lost, or leaves first."""
        self.state = LinkState.CLOSED
        while self._reports:
            self._settle(self._reports.popleft(), sent=False)
        if self._connecting is not None and self._connecting is not asyncio.current_task():
            self._connecting.cancel()
        self._connecting = None
        if self.real is not None:
            if at_once:
                self.real.abandon()
            else:
                self.real.close()
            self.real = None

    def forget(self) -> None:
        """Be as new."""
        self.down()
        self.state = LinkState.INITIAL
        self.kind, self.peer = "", None
        self.received.clear()

    @staticmethod
    def _settle(report: asyncio.Future[bool] | None, *, sent: bool) -> None:
        if report is not None and not report.done():
            report.set_result(sent)

    def __str__(self) -> str:
        """Return what +CIPSTATUS prints: number, bearer, kind, peer and state."""
        host, port = self.peer or ("", "")
        bearer = "" if self.state is LinkState.INITIAL else "0"
        return f'{self.number},{bearer},"{self.kind}","{host}","{port}","{self.state}"'
