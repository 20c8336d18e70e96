"""The five sockets of the CSO commands: whether they do what they are told, their buffers and reports.

``none`` -- +CSOC --> ``created`` -- +CSOCON --> ``connected`` -- +CSOCL --> ``none``. After a +CSOERR a socket is dead,
but keeps its id until +CSOCL. Source: TCP/IP note section 3, manual V1.05's socket chapter.
"""

import socket
from collections.abc import Callable

from sim7020_emulator.at.results import PlainError
from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.sockets.bearer import Bearer
from sim7020_emulator.sockets.errors import SocketError, SocketFailed, error_code
from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.module_socket import ModuleSocket, State, Transport

SOCKETS = 5
"""How many sockets the module has; ids are 0 to 4."""


class Sockets:
    """The table of sockets.

    Args:
        report: Emits an unsolicited line.
        active: Called when a socket ends, for the power saving timers.
        close_code: Returns the +CSOERR code of an orderly close by the peer.
    """

    def __init__(
        self,
        bearer: Bearer,
        profile: Profile,
        variants: Variants,
        *,
        report: Callable[[str], None],
        active: Callable[[], None],
        close_code: Callable[[], int],
    ) -> None:
        self._bearer = bearer
        self._profile = profile
        self._variants = variants
        self._report = report
        self._active = active
        self._close_code = close_code
        self._table: dict[int, ModuleSocket] = {}

    def all(self) -> list[ModuleSocket]:
        """List the sockets in the order of their ids."""
        return [self._table[number] for number in sorted(self._table)]

    def find(self, number: int) -> ModuleSocket | None:
        """Return the socket with an id, if there is one."""
        return self._table.get(number)

    def get(self, number: int) -> ModuleSocket:
        """Return the socket with an id; raises ``PlainError``."""
        try:
            return self._table[number]
        except KeyError:
            raise PlainError from None

    def create(self, domain: int, transport: Transport, protocol: int) -> ModuleSocket:
        """Take the lowest free id; raises ``PlainError`` when all are taken."""
        for number in range(SOCKETS):
            if number not in self._table:
                created = ModuleSocket(number, domain, transport, protocol)
                self._table[number] = created
                return created
        raise PlainError

    async def connect(self, target: ModuleSocket, address: str, port: int) -> None:
        """Connect a created socket; raises ``PlainError`` or, after which the socket is dead, ``SocketFailed``."""
        target.require(State.CREATED)
        if target.listening:
            raise PlainError
        target.peer = (address, port)
        try:
            real = self._open(target)
            if target.local_port is not None:
                real.bind(target.local_port)
            await self._bearer.connect(real, address, port, version=4 if target.domain == 1 else 6)
        except OSError as error:
            target.dead = True
            raise SocketFailed(error_code(error)) from error
        except SocketFailed:
            target.dead = True
            raise
        if target.dead:
            raise SocketFailed(SocketError.NETIF)
        target.state = State.CONNECTED
        self._bearer.connected(address, port, lambda code: self.fail(target, code))

    def bind(self, target: ModuleSocket, port: int) -> None:
        """Give a created socket its local port; raises ``PlainError``."""
        target.require(State.CREATED)
        target.local_port = port

    def listen(self, target: ModuleSocket) -> None:
        """Accept clients on a bound TCP socket; raises as ``connect`` does."""
        if self._variants.is_set("server", "no"):
            raise PlainError
        if target.transport is not Transport.TCP or target.local_port is None or target.real is not None:
            raise PlainError
        try:
            real = self._open(target)
            real.bind(target.local_port)
            real.listen(self._accept)
        except OSError as error:
            target.dead = True
            raise SocketFailed(error_code(error)) from error
        target.listening = True

    def send(self, target: ModuleSocket, data: bytes) -> None:
        """Queue bytes; raises ``PlainError`` (not connected, or the buffer is full) or ``SocketFailed``."""
        target.require(State.CONNECTED)
        if target.real is None:
            raise PlainError
        try:
            self._bearer.send(target.real, data, target.peer)
        except OSError:
            raise PlainError from None

    def close(self, number: int) -> None:
        """Free an id; raises ``PlainError`` when it isn't taken."""
        closed = self.get(number)
        del self._table[number]
        if closed.real is not None:
            closed.real.close()

    def bearer_lost(self) -> None:
        """Report every socket dead that needed the PDN."""
        for target in self.all():
            if not target.dead and (target.state is State.CONNECTED or target.listening):
                self.fail(target, SocketError.NETIF)
            elif target.real is not None:
                target.dead = True

    def fail(self, target: ModuleSocket, code: int) -> None:
        """Give a socket up and report it; it keeps its id."""
        if self._table.get(target.number) is not target or target.dead:
            return
        target.dead = True
        target.state = State.CREATED
        target.listening = False
        if target.real is not None:
            target.real.abandon()
            self._active()
        self.report_error(target, code)

    def report_error(self, target: ModuleSocket, code: int) -> None:
        """Say +CSOERR; firmware of the note's time has no code 12."""
        if code == SocketError.PARAMETER and self._variants.is_set("csoerr_names", "note"):
            code = SocketError.VALUE
        self._report(f"+CSOERR: {target.number},{code}")

    def forget(self, *, keep_udp: bool = False) -> None:
        """Lose the sockets without a word, as a reset or PSM does."""
        for target in self.all():
            if keep_udp and target.transport is Transport.UDP and not target.dead:
                continue
            del self._table[target.number]
            if target.real is not None:
                target.real.abandon()

    def open_tcp(self) -> bool:
        """Say whether a TCP socket is open; it keeps the module out of PSM."""
        return any(target.transport is Transport.TCP and target.real and not target.dead for target in self.all())

    def apply_keep_alive(self, target: ModuleSocket) -> None:
        """Set the host's keep-alive as +CSOALIVE has it, now if the socket is open and else when it opens."""
        if target.real is not None and not target.dead:
            alive = target.keep_alive
            target.real.keep_alive(on=bool(alive.mode), idle=alive.idle, interval=alive.interval, count=alive.count)

    def _open(self, target: ModuleSocket, accepted: socket.socket | None = None) -> HostSocket:
        target.real = self._bearer.open(
            stream=target.transport is Transport.TCP,
            peer=lambda: target.peer,
            family=socket.AF_INET if target.domain == 1 else socket.AF_INET6,
            on_data=lambda data: self._received(target, data),
            on_error=lambda error: self.fail(target, self._close_code() if error is None else error_code(error)),
            on_acknowledged=lambda size: self._acknowledged(target, size),
            full=target.received.full,
            accepted=accepted,
        )
        if target.keep_alive.mode:
            self.apply_keep_alive(target)
        return target.real

    def _accept(self, client: socket.socket) -> None:
        try:
            target = self.create(1, Transport.TCP, 1)
        except PlainError:
            client.close()
            return
        target.state = State.CONNECTED
        self._open(target, client).begin()
        self._report(f"+NEW CLIENT CONNEC: {target.number}")

    def _received(self, target: ModuleSocket, data: bytes) -> None:
        if self._table.get(target.number) is not target or target.dead:
            return
        if self._profile.number("CSORXGET"):
            if target.received.put(data):
                self._report(f"+CSORXGET: 1,{target.number}")
        elif self._profile.number("CSORCVFLAG"):
            self._report(f"+CSONMI: {target.number},{len(data)},{data.decode('latin-1')}")
        else:
            self._report(f"+CSONMI: {target.number},{2 * len(data)},{data.hex().upper()}")

    def _acknowledged(self, target: ModuleSocket, size: int) -> None:
        if self._profile.number("CSOSENDFLAG") and self._table.get(target.number) is target:
            self._report(f"SEND: {target.number},{size}")
