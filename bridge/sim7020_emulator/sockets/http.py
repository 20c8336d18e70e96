"""The five clients of the module's HTTP commands. TLS is not emulated."""

import base64
from collections.abc import Callable

from sim7020_emulator.at.results import PlainError
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.sockets.bearer import Bearer
from sim7020_emulator.sockets.errors import SocketError, SocketFailed
from sim7020_emulator.sockets.host import HostSocket
from sim7020_emulator.sockets.http_response import Content, Head, HttpResponse
from sim7020_emulator.sockets.internet import Internet, NameNotResolved

CLIENTS = 5
"""How many there are; ids are 0 to 4."""

METHODS = ("GET", "POST", "PUT", "DELETE")
"""The methods of +CHTTPSEND, by number."""

_KILLED = -1
_CLOSED = -2
"""Codes of +CHTTPERR: the PDN is gone, and the server has closed."""


class HttpClient:
    """One client: where it goes, and its connection and open request if it has them."""

    def __init__(self, number: int, url: str, host: str, port: int, login: tuple[str, str] | None) -> None:
        self.number = number
        self.url = url
        self.host = host
        self.port = port
        self.login = login
        self.peer: tuple[str, int] | None = None
        self.real: HostSocket | None = None
        self.response: HttpResponse | None = None

    @property
    def connected(self) -> bool:
        """Say whether it has a connection."""
        return self.real is not None

    def request(self, method: str, path: str, *, headers: bytes, kind: str, body: bytes) -> bytes:
        """Compose a request; ``Host`` is added unless the given headers have one."""
        head = f"{method} {path} HTTP/1.1\r\n"
        if b"\nhost:" not in b"\n" + headers.lower():
            head += f"Host: {self.host}" + ("" if self.port == 80 else f":{self.port}") + "\r\n"  # noqa: PLR2004
        if self.login is not None:
            head += f"Authorization: Basic {base64.b64encode(':'.join(self.login).encode()).decode()}\r\n"
        if kind:
            head += f"Content-Type: {kind}\r\n"
        if body or method in {"POST", "PUT"}:
            head += f"Content-Length: {len(body)}\r\n"
        if headers and not headers.endswith(b"\n"):
            headers += b"\r\n"
        return head.encode() + headers + b"\r\n" + body

    def hang_up(self) -> None:
        """Have no connection any more."""
        if self.real is not None:
            self.real.abandon()
        self.real = self.response = None


class HttpClients:
    """The table of clients.

    Args:
        report: Emits an unsolicited line.
    """

    def __init__(
        self, bearer: Bearer, internet: Internet, variants: Variants, *, report: Callable[[str], None]
    ) -> None:
        self._bearer = bearer
        self._internet = internet
        self._variants = variants
        self._report = report
        self._table: dict[int, HttpClient] = {}

    def all(self) -> list[HttpClient | None]:
        """List the clients by id, None where there is none."""
        return [self._table.get(number) for number in range(CLIENTS)]

    def get(self, number: int) -> HttpClient:
        """Return the client with an id; raises ``PlainError``."""
        try:
            return self._table[number]
        except KeyError:
            raise PlainError from None

    def create(self, url: str, host: str, port: int, login: tuple[str, str] | None) -> HttpClient:
        """Take the lowest free id; raises ``PlainError`` when all are taken."""
        for number in range(CLIENTS):
            if number not in self._table:
                created = self._table[number] = HttpClient(number, url, host, port, login)
                return created
        raise PlainError

    async def connect(self, client: HttpClient) -> None:
        """Connect; raises ``PlainError`` if it is connected, and ``SocketFailed``."""
        if client.connected:
            raise PlainError
        real = self._bearer.open(
            stream=True,
            peer=lambda: client.peer,
            on_data=lambda data: self._received(client, data),
            on_error=lambda _: self._closed(client, real),
        )
        try:
            address = await self._internet.address(client.host)
            client.peer = address, client.port
            await self._bearer.connect(real, address, client.port)
        except NameNotResolved:
            real.abandon()
            raise SocketFailed(SocketError.COMMON) from None
        except BaseException:
            real.abandon()
            raise
        if self._table.get(client.number) is not client:
            real.abandon()
            raise SocketFailed(SocketError.NETIF)
        client.real = real
        self._bearer.connected(address, client.port, lambda _: self._closed(client, real))

    def send(self, client: HttpClient, method: str, path: str, *, headers: bytes, kind: str, body: bytes) -> None:
        """Send a request; raises ``PlainError`` if it can't be, or the one before is not answered."""
        if client.real is None or client.response is not None:
            raise PlainError
        request = client.request(method, path, headers=headers, kind=kind, body=body)
        try:
            self._bearer.send(client.real, request, client.peer)
        except (OSError, SocketFailed):
            raise PlainError from None
        client.response = HttpResponse()

    def disconnect(self, client: HttpClient) -> None:
        """Close the connection, if there is one."""
        client.hang_up()

    def destroy(self, client: HttpClient) -> None:
        """Free the id, whatever the client does."""
        client.hang_up()
        del self._table[client.number]

    def open_tcp(self) -> bool:
        """Say whether a connection is open; it keeps the module out of PSM."""
        return any(client.connected for client in self._table.values())

    def forget(self) -> None:
        """Lose everything without a word, as a reset does."""
        for client in self._table.values():
            client.hang_up()
        self._table.clear()

    def bearer_lost(self) -> None:
        """Report every client dead, and lose it."""
        lost = sorted(self._table)
        self.forget()
        for number in lost:
            self._report(f"+CHTTPERR: {number},{_KILLED}")

    def _received(self, client: HttpClient, data: bytes) -> None:
        response = client.response
        if response is None:
            return
        try:
            for part in response.feed(data):
                self._tell(client, part)
        except ValueError:
            self._closed(client, client.real)
            return
        if response.done:
            client.response = None

    def _closed(self, client: HttpClient, real: HostSocket | None) -> None:
        if client.real is None or client.real is not real:
            return
        if client.response is not None:
            for part in client.response.end():
                self._tell(client, part)
        client.hang_up()
        self._report(f"+CHTTPERR: {client.number},{_CLOSED}")

    def _tell(self, client: HttpClient, part: Head | Content) -> None:
        if isinstance(part, Head):
            text = part.lines.decode("latin-1")
            self._report(f"+CHTTPNMIH: {client.number},{part.status},{len(part.lines)},{text}")
            return
        digits = part.data.hex() if self._variants.is_set("http_hex", "lower") else part.data.hex().upper()
        self._report(f"+CHTTPNMIC: {client.number},{int(part.more)},{part.total},{len(part.data)},{digits}")
