"""Every kind of port against a real peer."""

import asyncio
import errno
import os
import socket
import termios
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Self

import pytest
import serial
from serial.rfc2217 import PortManager

from sim7020_bridge.errors import PortClosed, PortUnavailable
from sim7020_bridge.port import Port, open_port
from tests.pty_peer import PATIENCE, PtyPeer

EVERY_BYTE = bytes(range(256))
MORE_THAN_A_SOCKET_HOLDS = bytes(32 << 20)
AS_PYSERIAL_DOES = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


@asynccontextmanager
async def opened(name: str, baudrate: int = 115200) -> AsyncIterator[Port]:
    """Open a port and give it back."""
    port = await open_port(name, baudrate)
    try:
        yield port
    finally:
        await port.aclose()


async def read_exactly(port: Port, count: int) -> bytes:
    """Read until so many bytes have come."""
    data = b""
    async with asyncio.timeout(PATIENCE):
        while len(data) < count:
            data += await port.read()
    return data


async def test_device_carries_every_byte() -> None:
    """A tty is a clean pipe for all 256 byte values, both ways."""
    async with PtyPeer() as peer, opened(peer.path) as port:
        peer.say_raw(EVERY_BYTE)
        assert await read_exactly(port, 256) == EVERY_BYTE
        port.write(EVERY_BYTE)
        assert b"".join([await peer.byte() for _ in range(256)]) == EVERY_BYTE


async def test_listener_hears_what_came_before_it_listened() -> None:
    """What is listened to comes in order from the first byte on, and its end is told once."""
    heard = bytearray()
    all_heard = asyncio.Event()

    def hear(data: bytes) -> None:
        heard.extend(data)
        if heard.endswith(b" after"):
            all_heard.set()

    ended: asyncio.Future[PortClosed] = asyncio.get_running_loop().create_future()
    async with PtyPeer() as peer, opened(peer.path) as port:
        peer.say_raw(b"before ")
        assert await read_exactly(port, 1)
        peer.say_raw(EVERY_BYTE)
        await asyncio.sleep(0)
        port.listen(hear, ended.set_result)
        peer.say_raw(b" after")
        async with asyncio.timeout(PATIENCE):
            await all_heard.wait()
        assert EVERY_BYTE in heard
        peer.unplug()
        async with asyncio.timeout(PATIENCE):
            assert "went away" in str(await ended)


async def test_device_gets_its_baud_rate() -> None:
    """The baud rate is set on the device."""
    async with PtyPeer() as peer, opened(peer.path, 9600):
        with open(peer.path, "rb", buffering=0, opener=_beside) as device:  # noqa: ASYNC230 - opens at once
            assert termios.tcgetattr(device)[4:6] == [termios.B9600, termios.B9600]


def _beside(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOCTTY | os.O_NONBLOCK)


async def test_more_than_the_device_takes_at_once() -> None:
    """A write waits for the device where it has no room, and loses nothing."""
    data = EVERY_BYTE * 400
    async with PtyPeer() as peer, opened(peer.path) as port:
        port.write(data)
        writing = asyncio.create_task(port.drain())
        heard = b"".join([await peer.byte() for _ in range(len(data))])
        await writing
        assert heard == data


async def test_unplugged_device() -> None:
    """A device that goes away ends reading and writing with an error that names it."""
    async with PtyPeer() as peer, opened(peer.path) as port:
        reading = asyncio.create_task(port.read())
        peer.unplug()
        with pytest.raises(PortClosed, match=f"{peer.path} went away"):
            await reading
        with pytest.raises(PortClosed, match="went away"):
            port.write(b"AT\r")


async def test_close_while_the_device_takes_nothing() -> None:
    """A modem that never takes its bytes doesn't hold the close up."""
    master, slave = os.openpty()
    try:
        async with asyncio.timeout(PATIENCE), opened(os.ttyname(slave)) as port:
            port.write(EVERY_BYTE * 1000)
            writing = asyncio.create_task(port.drain())
            reading = asyncio.create_task(port.read())
            done, _ = await asyncio.wait([writing], timeout=0.05)
            assert not done
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        with pytest.raises(PortClosed):
            await reading
    finally:
        os.close(master)
        os.close(slave)


async def test_busy_device() -> None:
    """A device that another program holds is refused, and given back it can be opened again."""
    async with PtyPeer() as peer:
        with closing(serial.Serial(peer.path, exclusive=True)), pytest.raises(PortUnavailable) as busy:
            await open_port(peer.path, 115200)
        assert busy.value.reason == "busy"
        async with opened(peer.path) as port:
            with pytest.raises(PortUnavailable, match=rf"the program .+ \(process {os.getpid()}\) holds it"):
                await open_port(port.name, 115200)
        async with opened(peer.path) as port:
            port.write(b"A")
            assert await peer.byte() == b"A"


async def test_missing_device(tmp_path: Path) -> None:
    """A device that isn't there is missing."""
    with pytest.raises(PortUnavailable, match="is the modem plugged in") as missing:
        await open_port(str(tmp_path / "ttyUSB0"), 115200)
    assert missing.value.reason == "missing"


async def test_not_a_tty(tmp_path: Path) -> None:
    """A file and a folder can't be used as a port."""
    file = tmp_path / "file"
    file.write_bytes(b"")
    for path in (file, tmp_path, Path("/dev/null")):
        with pytest.raises(PortUnavailable) as unusable:
            await open_port(str(path), 115200)
        assert unusable.value.reason == "unusable"


async def test_not_permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that the user may not open says which group would do."""

    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(PortUnavailable, match="dialout") as refused:
        await open_port("/dev/ttyUSB0", 115200)
    assert refused.value.reason == "not_permitted"


async def test_socket_port() -> None:
    """A serial server's TCP port carries every byte both ways, and its end is noticed."""

    async def echo_then_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(256))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(echo_then_leave, "127.0.0.1", 0) as server:
        number = server.sockets[0].getsockname()[1]
        async with opened(f"socket://127.0.0.1:{number}") as port:
            port.write(EVERY_BYTE)
            assert await read_exactly(port, 256) == EVERY_BYTE
            with pytest.raises(PortClosed, match="the serial server closed the connection"):
                await port.read()


async def test_socket_port_reset() -> None:
    """A connection that breaks is a port that went away, for reading and for writing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
            with pytest.raises(PortClosed):
                await port.read()
            with pytest.raises(PortClosed):
                port.write(b"AT\r")


async def test_socket_port_half_closed_while_it_takes_nothing() -> None:
    """A serial server that says goodbye is gone, even if it never takes what was written to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            connection, _ = server.accept()
            with connection:
                port.write(MORE_THAN_A_SOCKET_HOLDS)
                connection.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(PATIENCE):
                    with pytest.raises(PortClosed, match="the serial server closed the connection"):
                        await port.read()
                    with pytest.raises(PortClosed):
                        await port.drain()
                with pytest.raises(PortClosed):
                    port.write(b"AT\r")


async def test_socket_port_is_drained_once_all_is_taken() -> None:
    """What was written before the port was drained arrives, even if the port is closed then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            connection, _ = server.accept()
            with connection:
                drained = -len(EVERY_BYTE)
                draining = asyncio.create_task(port.drain())
                while await _done_at_once(draining):
                    drained += len(EVERY_BYTE)
                    port.write(EVERY_BYTE)
                    draining = asyncio.create_task(port.drain())
                await port.aclose()
                with pytest.raises(PortClosed):
                    await draining
                arrived = 0
                while data := connection.recv(1 << 20):
                    arrived += len(data)
                assert arrived >= drained > 0


async def _done_at_once(task: "asyncio.Task[None]") -> bool:
    for _ in range(3):
        await asyncio.sleep(0)
    return task.done()


async def test_socket_port_does_not_pile_up_what_nobody_reads() -> None:
    """A server that sends faster than is read has to wait, and nothing is lost."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            connection, _ = server.accept()
            with connection:
                connection.setblocking(False)
                sending = asyncio.create_task(loop.sock_sendall(connection, MORE_THAN_A_SOCKET_HOLDS))
                missing = len(MORE_THAN_A_SOCKET_HOLDS)
                async with asyncio.timeout(PATIENCE):
                    while missing:
                        for _ in range(20):
                            await asyncio.sleep(0)
                        data = await port.read()
                        assert len(data) < 1 << 19
                        missing -= len(data)
                    await sending


async def test_closed_twice() -> None:
    """Giving a port back again does nothing, not even to a port that has its number by then."""
    async with PtyPeer() as first, PtyPeer() as second:
        port = await open_port(first.path, 115200)
        await port.aclose()
        async with opened(second.path) as other:
            await port.aclose()
            second.say_raw(b"A")
            async with asyncio.timeout(PATIENCE):
                assert await other.read() == b"A"
        for use in (lambda: port.write(b"A"), port.drain, port.read):
            with pytest.raises(PortClosed, match=f"{first.path} went away$"):
                await (use() or asyncio.sleep(0))


async def test_closed_socket_port() -> None:
    """What is done with a port that its owner closed does not blame the far end, and closing it again does nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        async with opened(name) as port:
            await port.aclose()
        with pytest.raises(PortClosed, match=f"{name} went away$"):
            await port.read()
        with pytest.raises(PortClosed):
            port.write(b"AT\r")


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
async def test_no_serial_server(scheme: str) -> None:
    """Where nobody listens the port is refused; where the number is none it is too."""
    for place in (f"127.0.0.1:{_free_port()}", "127.0.0.1:99999"):
        with pytest.raises(PortUnavailable, match="is the serial server running there") as refused:
            await open_port(f"{scheme}://{place}", 115200)
        assert refused.value.reason == "refused"


@AS_PYSERIAL_DOES
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning")
async def test_rfc2217_port_of_pyserial() -> None:
    """An RFC 2217 server is told the baud rate, carries every byte both ways, and its end is noticed."""
    with Rfc2217Server() as server:
        async with opened(f"rfc2217://127.0.0.1:{server.number}", 9600) as port:
            assert server.device.baudrate == 9600
            for value in EVERY_BYTE:
                port.write(bytes((value,)))
            assert await read_exactly(port, 256) == EVERY_BYTE
            await asyncio.to_thread(server.stop)
            with pytest.raises(PortClosed, match="the serial server closed the connection"):
                await port.read()
            with pytest.raises(PortClosed, match="went away"):
                await _write_until_refused(port)


async def _write_until_refused(port: Port) -> None:
    """Write on: the first bytes after the far end is gone still find room on this side."""
    async with asyncio.timeout(PATIENCE):
        while True:
            port.write(EVERY_BYTE)
            await port.drain()


class Rfc2217Server:
    """pyserial's own RFC 2217 server for one client; its serial port returns what is written to it."""

    def __init__(self) -> None:
        self.device = serial.serial_for_url("loop://", timeout=0.05)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.number: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the connection and everything that serves it."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        self._listener.settimeout(PATIENCE)
        connection, _ = self._listener.accept()
        connection.settimeout(0.05)
        lock = threading.Lock()

        class Locked:
            """What the port manager writes to, from both threads."""

            def write(self, data: bytes) -> None:
                with lock:
                    connection.sendall(data)

        locked = Locked()
        # any port and any writer will do, whatever the stubs say
        manager = PortManager(self.device, locked)  # type: ignore[arg-type]

        def to_client() -> None:
            while not self._stopping.is_set():
                data = self.device.read(self.device.in_waiting or 1)
                if data:
                    locked.write(b"".join(manager.escape(data)))

        self._threads.append(threading.Thread(target=to_client))
        self._threads[1].start()
        with connection:
            while not self._stopping.is_set():
                with suppress(TimeoutError):
                    self.device.write(b"".join(manager.filter(connection.recv(4096))))


@AS_PYSERIAL_DOES
@pytest.mark.parametrize(
    ("accepter", "url"),
    [
        ("tcp", "socket://127.0.0.1:{}"),
        # a pty has no DTR and RTS that the server could set
        ("telnet(rfc2217),tcp", "rfc2217://127.0.0.1:{}?ign_set_control"),
    ],
)
async def test_port_of_ser2net(tmp_path: Path, accepter: str, url: str) -> None:
    """The usual serial server of Linux carries every byte both ways, raw and by RFC 2217."""
    number = _free_port()
    async with PtyPeer() as peer:
        settings = tmp_path / "ser2net.yaml"
        settings.write_text(
            "connection: &modem\n"
            f"  accepter: {accepter},127.0.0.1,{number}\n"
            f"  connector: serialdev,{peer.path},115200n81,local\n"
        )
        server = await asyncio.create_subprocess_exec("ser2net", "-n", "-u", "-c", str(settings))
        try:
            port = await _open_once_it_listens(url.format(number))
            try:
                port.write(EVERY_BYTE)
                assert b"".join([await peer.byte() for _ in range(256)]) == EVERY_BYTE
                peer.say_raw(EVERY_BYTE)
                assert await read_exactly(port, 256) == EVERY_BYTE
            finally:
                await port.aclose()
        finally:
            server.terminate()
            await server.wait()


async def _open_once_it_listens(name: str) -> Port:
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(PortUnavailable):
                return await open_port(name, 115200)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


async def test_name_is_followed_each_time(tmp_path: Path) -> None:
    """A name that leads to another device after the modem was plugged in again is followed to it."""
    name = tmp_path / "by-id"
    async with PtyPeer() as first, PtyPeer() as second:
        name.symlink_to(first.path)
        async with opened(str(name)) as port:
            port.write(b"1")
            assert await first.byte() == b"1"
        name.unlink()
        with pytest.raises(PortUnavailable) as missing:
            await open_port(str(name), 115200)
        assert missing.value.reason == "missing"
        name.symlink_to(second.path)
        async with opened(str(name)) as port:
            port.write(b"2")
            assert await second.byte() == b"2"
            with pytest.raises(PortUnavailable, match=rf"\(process {os.getpid()}\) holds it"):
                await open_port(str(name), 115200)


async def test_busy_device_whose_holder_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that the system keeps to itself is just another program."""

    def busy(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EBUSY, "could not open port: Device or resource busy")

    monkeypatch.setattr(serial, "Serial", busy)
    with pytest.raises(PortUnavailable, match="another program holds it") as refused:
        await open_port("/dev/ttyUSB0", 115200)
    assert refused.value.reason == "busy"
