"""A driver that works as the Arduino libraries' ports for this module do, over a pty, against real servers.

Such a port never waits for a whole line: it reads byte by byte until one of a few endings has come, notes on the way
which link has data or was closed, and fetches data in pieces as small as its buffer.
"""

import contextlib
import os
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.program import PATIENCE, open_tty, running

_OK, _ERROR, _NEW_LINE = b"OK\r\n", b"ERROR\r\n", b"\n"
_BUFFER = 64
"""Bytes that the port fetches at once."""


class EchoServer:
    """Sends back whatever each of its clients sends, and hangs up on all of them when told."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                self._threads.append(threading.Thread(target=self._echo, args=(client,)))
                self._threads[-1].start()

    @staticmethod
    def _echo(client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data)

    def hang_up(self, farewell: bytes = b"") -> None:
        """Say a last word to every client and close."""
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.sendall(farewell)
                client.shutdown(socket.SHUT_RDWR)
            client.close()
        self._clients.clear()

    def close(self) -> None:
        """End."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()


class Port:
    """The port: one link without a number, or several with; ``fresh`` has links with news, ``open`` those connected."""

    def __init__(self, file: int, *, several: bool) -> None:
        self._file = file
        self._several = several
        self.fresh: set[int] = set()
        self.open: set[int] = set()

    def ask(self, command: str, *endings: bytes) -> int:
        """Type a command; return which ending came, counted from 0."""
        os.write(self._file, f"AT{command}\r\n".encode())
        return self.wait(*(endings or (_OK, _ERROR)))

    def wait(self, *endings: bytes) -> int:
        """Read until one of the endings has come, and note news of links."""
        seen = b""
        while True:
            seen += self._byte()
            self._note_news(seen)
            for number, ending in enumerate(endings):
                if seen.endswith(ending):
                    return number

    def wait_for_end(self, link: int) -> None:
        """Read until a link was closed by its server."""
        seen = b""
        while link in self.open:
            seen += self._byte()
            self._note_news(seen)

    def connect(self, link: int, port: int) -> None:
        """Close what may be left of a link, then open it."""
        if self._several:
            self.ask(f"+CIPCLOSE={link},1")
        else:
            assert self.ask("+CIPSHUT", b"SHUT OK") == 0
            self.ask("+CIPCLOSE=1", b"CLOSE OK", _ERROR)
            assert self.ask("+CIPQSEND=1") == 0
            assert self.ask("+CIPRXGET=1") == 0
        command = f'+CIPSTART={self._number(link)}"TCP","198.51.100.7",{port}'
        assert self.ask(command, b"CONNECT OK\r\n", b"CONNECT FAIL\r\n", b"ALREADY CONNECT\r\n", _ERROR) == 0
        self.open.add(link)

    def send(self, link: int, data: bytes) -> None:
        """Hand data over; the module says how much it has accepted."""
        assert self.ask(f"+CIPSEND={self._number(link)}{len(data)}", b">") == 0
        os.write(self._file, data)
        assert self.wait(b"\r\nDATA ACCEPT:", _ERROR) == 0
        if self._several:
            assert int(self._until(b",")) == link
        assert int(self._until(_NEW_LINE)) == len(data)

    def available(self, link: int) -> int:
        """Ask how much waits; if nothing does, whether the link is still up."""
        number = f",{link}" if self._several else ""
        assert self.ask(f"+CIPRXGET=4{number}", f"+CIPRXGET: 4,{self._number(link)}".encode()) == 0
        waiting = int(self._until(_NEW_LINE))
        assert self.wait(_OK) == 0
        if not waiting and not self.connected(link):
            self.open.discard(link)
        return waiting

    def connected(self, link: int) -> bool:
        """Ask whether a link is up."""
        if self._several:
            assert self.ask(f"+CIPSTATUS={link}", b"+CIPSTATUS") == 0
            state = self.wait(b',"CONNECTED"', b',"CLOSED"', b',"CLOSING"', b',"REMOTE CLOSING"', b',"INITIAL"')
            assert self.wait(_OK) == 0
        else:
            assert self.ask("+CIPSTATUS", b"STATE: ") == 0
            state = self.wait(b"CONNECT OK", b"TCP CLOSED", b"TCP CONNECTING", b"IP INITIAL")
        return state == 0

    def read(self, link: int, most: int) -> tuple[bytes, int]:
        """Fetch a piece; return it, and how much is left."""
        head = f"+CIPRXGET: 2,{self._number(link)}".encode()
        assert self.ask(f"+CIPRXGET=2,{self._number(link)}{most}", head) == 0
        size, left = int(self._until(b",")), int(self._until(_NEW_LINE))
        data = b"".join(self._byte() for _ in range(size))
        assert self.wait(_OK) == 0
        return data, left

    def read_all(self, link: int, size: int) -> bytes:
        """Fetch in pieces, asking for more when something new is told of or the last answer said so."""
        got = b""
        limit = time.monotonic() + PATIENCE
        while len(got) < size:
            assert time.monotonic() < limit, f"only {len(got)} of {size} bytes came"
            self.fresh.discard(link)
            left = self.available(link)
            while left:
                data, left = self.read(link, _BUFFER)
                assert 0 < len(data) <= _BUFFER
                got += data
        return got

    def _note_news(self, seen: bytes) -> None:
        if found := re.search(rb"\r\n\+CIPRXGET: 1(?:,(\d))?\r\n$", seen):
            self.fresh.add(int(found[1] or 0))
        elif found := re.search(rb"\r\n(?:(\d), ?)?CLOSED\r\n$", seen):
            self.open.discard(int(found[1] or 0))

    def _number(self, link: int) -> str:
        return f"{link}," if self._several else ""

    def _until(self, end: bytes) -> bytes:
        seen = b""
        while not seen.endswith(end):
            seen += self._byte()
        return seen.removesuffix(end).strip()

    def _byte(self) -> bytes:
        assert select.select([self._file], [], [], PATIENCE)[0], "the module says nothing"
        return os.read(self._file, 1)


@pytest.fixture
def servers() -> Iterator[tuple[EchoServer, EchoServer]]:
    """Two echo servers."""
    pair = EchoServer(), EchoServer()
    yield pair
    for server in pair:
        server.close()


@contextlib.contextmanager
def _port(link: Path, options: tuple[str, ...], *, several: bool) -> Iterator[Port]:
    with running("--link", str(link), "--attached", "--route", "198.51.100.7=127.0.0.1", *options) as (_, printed):
        file = open_tty(printed)
        try:
            port = Port(file, several=several)
            for command in ("", "E0", "+CMEE=0", "+CPIN?", "+CSQ", "+CGATT=1"):
                assert port.ask(command) == 0
            yield port
        finally:
            os.close(file)


PACES = {"quick": ("--baud", "0", "--speed", "0"), "paced": ("--speed", "20")}


@pytest.mark.parametrize("pace", PACES)
def test_several_links(tmp_path: Path, servers: tuple[EchoServer, EchoServer], pace: str) -> None:
    """Two links carry 700 bytes each at once; one is closed by its server, read to its end, and opened again."""
    payloads = {0: bytes(range(256)) * 2 + b"\r\nOK\r\n> " * 20, 4: b"CLOSED\r\n+CIPRXGET: 1,1\r\n" * 30}
    with _port(tmp_path / "modem", PACES[pace], several=True) as port:
        commands = ("+CIPMUX=1", "+CIPRXGET=1", "+CIPQSEND=1", '+CSTT="iot.example","",""', "+CIICR", "+CIFSR;E0")
        for command in commands:
            assert port.ask(command) == 0
        for link, server in zip(payloads, servers, strict=True):
            port.connect(link, server.port)
        for link, payload in payloads.items():
            port.send(link, payload)
        for link, payload in payloads.items():
            assert port.read_all(link, len(payload)) == payload
        assert port.open == {0, 4}
        servers[0].hang_up(b"farewell")
        port.wait_for_end(0)
        assert port.read_all(0, len(b"farewell")) == b"farewell"
        assert not port.connected(0)
        assert port.connected(4)
        port.connect(0, servers[0].port)
        for link in payloads:
            port.send(link, b"again")
            assert port.read_all(link, 5) == b"again"
        assert port.ask("+CIPSHUT") == 0
        assert port.ask("+CGATT=0") == 0


@pytest.mark.parametrize("pace", PACES)
def test_one_link(tmp_path: Path, servers: tuple[EchoServer, EchoServer], pace: str) -> None:
    """The one link needs no bring-up; it is closed by its server and opened again to another."""
    payload = bytes(range(256)) * 4
    with _port(tmp_path / "modem", PACES[pace], several=False) as port:
        for server in servers:
            port.connect(0, server.port)
            port.send(0, payload)
            assert port.read_all(0, len(payload)) == payload
            server.hang_up()
            port.wait_for_end(0)
            assert not port.connected(0)
