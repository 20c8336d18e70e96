"""The SIM800-compatible stack: its bring-up, one link or six, and what they report.

``IP INITIAL`` -- +CSTT --> ``IP START`` -- +CIICR --> ``IP GPRSACT`` -- +CIFSR --> ``IP STATUS``; +CIPSHUT goes back.
Source: TCP/IP note V1.02 section 4, manual V1.05 chapter 7; the SIM800 family where they are silent.
"""

import asyncio
import socket
from collections.abc import Callable
from enum import StrEnum

from sim7020_emulator.at.results import PlainError
from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.schedule import Schedule
from sim7020_emulator.sockets.bearer import Bearer
from sim7020_emulator.sockets.errors import SocketError, SocketFailed
from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.internet import Internet, NameNotResolved
from sim7020_emulator.sockets.link import Link, LinkState
from sim7020_emulator.sockets.transparent import Transparent

LINKS = 6
"""How many links there are with +CIPMUX=1; numbers are 0 to 5."""


class Stage(StrEnum):
    """How far the stack is brought up, as +CIPSTATUS prints it."""

    INITIAL = "IP INITIAL"
    START = "IP START"
    CONFIG = "IP CONFIG"
    ACTIVE = "IP GPRSACT"
    STATUS = "IP STATUS"
    DEACTIVATED = "PDP DEACT"


UNUSED = frozenset({Stage.INITIAL, Stage.DEACTIVATED})
UP = frozenset({Stage.ACTIVE, Stage.STATUS})


class CompatibleStack:
    """The stack's stage, its links, and its server.

    Args:
        report: Emits an unsolicited line.
        say: Puts bytes on the line as they are, for received data that has no head.
    """

    def __init__(
        self,
        schedule: Schedule,
        bearer: Bearer,
        internet: Internet,
        profile: Profile,
        variants: Variants,
        *,
        report: Callable[[str], None],
        say: Callable[[bytes], None],
    ) -> None:
        self._schedule = schedule
        self._bearer = bearer
        self._internet = internet
        self._profile = profile
        self._variants = variants
        self._report = report
        self._say = say
        self._server: HostSocket | None = None
        self.transparent = Transparent(schedule, send=self._pass_on, say=say)
        self.task = ("", "", "")
        self.stage = Stage.INITIAL
        self.port: int | None = None
        """Where the server listens, if it does."""
        self.links = tuple(Link(number) for number in range(LINKS))

    @property
    def multiple(self) -> bool:
        """Say whether there are six links, which +CIPMUX decides."""
        return self._profile.number("CIPMUX") == 1

    @property
    def state(self) -> str:
        """Return what +CIPSTATUS calls the state of the whole."""
        link = self.links[0]
        if self.multiple:
            used = any(each.state is not LinkState.INITIAL for each in self.links)
            return "IP PROCESSING" if used else "SERVER LISTENING" if self._server else self.stage
        match link.state:
            case LinkState.CONNECTING:
                return f"{link.kind} CONNECTING"
            case LinkState.CONNECTED:
                return "CONNECT OK"
        if self._server is not None:
            return "SERVER LISTENING"
        return f"{link.kind} CLOSED" if link.state is LinkState.CLOSED else self.stage

    def label(self, link: Link, text: str) -> str:
        """Put a link's number before what is said of it, where there is more than one."""
        if not self.multiple:
            return text
        blank = " " if self._variants.is_set("link_blank", "yes") else ""
        return f"{link.number},{blank}{text}"

    def open_tcp(self) -> bool:
        """Say whether a TCP connection is open; it keeps the module out of PSM."""
        return self._server is not None or any(link.busy and link.kind == "TCP" for link in self.links)

    def connect(self, link: Link, kind: str, host: str, port: int) -> None:
        """Connect a link that is not busy; ``CONNECT OK`` (``CONNECT`` if transparent) or ``CONNECT FAIL`` follows."""
        link.begin(kind, host, port)
        link.transparent = self._profile.number("CIPMODE") == 1
        link.wait_in(self._schedule.start(self._connect(link, host, port), "compatible connect"))

    async def send(self, link: Link, data: bytes, *, quick: bool) -> bool:
        """Send; ``quick`` does not wait for the peer's acknowledgement. False when it can't be.

        Raises ``SocketFailed`` when the link has to be given up.
        """
        if link.real is None:
            return False
        try:
            self._bearer.send(link.real, data, link.peer)
        except OSError:
            return False
        if not link.real.stream:
            return True
        if quick:
            link.expect_report(None)
            return True
        report: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        link.expect_report(report)
        done, _ = await asyncio.wait(
            (report,), timeout=self._schedule.timing.send_limit / (self._schedule.speed or 1.0)
        )
        if not done:
            raise SocketFailed(SocketError.ABORTED)
        return report.result()

    def close(self, link: Link) -> None:
        """Close a link; what waits to be sent leaves first."""
        link.down(at_once=False)
        link.received.clear()
        self.transparent.end()

    def fail(self, link: Link, real: HostSocket | None) -> None:
        """Give a link's connection up and say so, unless it has gone already."""
        if link.busy and link.real is real:
            link.down()
            self.transparent.end()
            self._report(self.label(link, "CLOSED"))

    def listen(self, port: int) -> None:
        """Accept clients at a port; raises ``PlainError``."""
        real = self._bearer.open(stream=True, peer=lambda: None, on_data=lambda _: None, on_error=lambda _: None)
        try:
            real.bind(port)
            real.listen(self._accept)
        except OSError:
            real.abandon()
            raise PlainError from None
        self._server, self.port = real, port
        self.stage = Stage.STATUS

    def stop_listening(self) -> None:
        """Accept nobody any more; clients stay connected."""
        if self._server is not None:
            self._server.abandon()
        self._server = self.port = None

    def forget(self, stage: Stage = Stage.INITIAL) -> None:
        """Lose everything without a word, as +CIPSHUT and a reset do."""
        for link in self.links:
            link.forget()
        self.transparent.end()
        self.stop_listening()
        self.stage = stage

    def bearer_lost(self) -> None:
        """Lose everything with the PDN, and say so if it was in use."""
        if self.stage in UP:
            self.forget(Stage.DEACTIVATED)
            self._report("+PDP: DEACT")

    def _open(self, link: Link, accepted: socket.socket | None = None) -> HostSocket:
        real = self._bearer.open(
            stream=link.kind == "TCP",
            peer=lambda: link.peer,
            on_data=lambda data: self._received(link, data),
            on_error=lambda _: self.fail(link, real),
            on_acknowledged=lambda _: link.acknowledged(),
            full=lambda: link.received.full() or self.transparent.full(),
            accepted=accepted,
            report_delay=0.0,
        )
        return real

    async def _connect(self, link: Link, host: str, port: int) -> None:
        real = self._open(link)
        try:
            address = await self._internet.address(host)
            link.peer = address, port
            await self._bearer.connect(real, address, port)
        except (SocketFailed, NameNotResolved):
            real.abandon()
            link.down()
            self._report(self.label(link, "CONNECT FAIL"))
        except asyncio.CancelledError:
            real.abandon()
            raise
        else:
            link.up(real)
            self._report("CONNECT" if link.transparent else self.label(link, "CONNECT OK"))
            if link.transparent:
                self.transparent.resume()
            self._bearer.connected(address, port, lambda _: self.fail(link, real))

    def _accept(self, client: socket.socket) -> None:
        free = next((link for link in self.links[: LINKS if self.multiple else 1] if not link.busy), None)
        if free is None:
            client.close()
            return
        host, port = client.getpeername()[:2]
        free.begin("TCP", host, port)
        real = self._open(free, client)
        free.up(real)
        real.begin()
        self._report(self.label(free, f"REMOTE IP: {host}"))

    def _pass_on(self, data: bytes) -> None:
        """Send what was typed on the transparent link; what it can't take is lost, as there is no flow control."""
        link = self.links[0]
        if link.real is not None:
            try:
                self._bearer.send(link.real, data, link.peer)
            except SocketFailed:
                self.fail(link, link.real)
            except OSError:
                return
            else:
                if link.real.stream:
                    link.expect_report(None)

    def _received(self, link: Link, data: bytes) -> None:
        if link.transparent:
            self.transparent.receive(data)
            return
        if self._profile.number("CIPRXGET"):
            if link.received.put(data):
                self._report(f"+CIPRXGET: 1,{link.number}" if self.multiple else "+CIPRXGET: 1")
            return
        host, port = link.peer or ("", 0)
        shown = data.hex().upper().encode() if self._profile.number("CIPHEXS") else data
        if self.multiple:
            source = f",{host}:{port}" if self._profile.number("CIPSRIP") else ":"
            self._say(f"\r\n+RECEIVE,{link.number},{len(data)}{source}\r\n".encode() + shown)
            return
        if self._profile.number("CIPSRIP"):
            plus = "+" if self._variants.is_set("recv_from", "plus") else ""
            self._report(f"{plus}RECV FROM:{host}:{port}")
        head = f"\r\n+IPD,{len(data)}:".encode() if self._profile.number("CIPHEAD") else b""
        self._say(head + shown)
