"""Ports behind a serial server, raw and by RFC 2217, against real servers."""

import asyncio
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest
import serial
from serial.rfc2217 import PortManager

from sim7020_bridge.errors import PortClosed, PortUnavailable
from sim7020_bridge.port.port import Port, _Rfc2217Port, _SocketPort, open_port
from tests.bridge.ports import EVERY_BYTE, opened, read_exactly
from tests.no_threads import no_threads
from tests.ports import free_port
from tests.pty_peer import PATIENCE, PtyPeer

MORE_THAN_A_SOCKET_HOLDS = bytes(32 << 20)
AS_PYSERIAL_DOES = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


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


def is_kept_alive(connection: socket.socket) -> bool:
    """Whether a path that dies without a word is noticed within a minute."""
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    idle, interval, count = (connection.getsockopt(socket.IPPROTO_TCP, option) for option in options)
    return bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) and idle + interval * count <= 60


async def test_path_to_a_server_that_may_die_without_a_word() -> None:
    """A connection on which nothing comes is probed, for nobody else would ever tell."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        async with opened(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
            assert isinstance(port, _SocketPort)
            assert is_kept_alive(port._transport.get_extra_info("socket"))


@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
async def test_no_serial_server(scheme: str) -> None:
    """Where nobody listens the port is refused; where the number is none it is too."""
    for place in (f"127.0.0.1:{free_port()}", "127.0.0.1:99999"):
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
            assert isinstance(port, _Rfc2217Port)
            assert is_kept_alive(vars(port._device)["_socket"])
            for value in EVERY_BYTE:
                port.write(bytes((value,)))
            assert await read_exactly(port, 256) == EVERY_BYTE
            await asyncio.to_thread(server.stop)
            with pytest.raises(PortClosed, match="the serial server closed the connection"):
                await port.read()
            with pytest.raises(PortClosed, match="went away"):
                await _write_until_refused(port)


@AS_PYSERIAL_DOES
async def test_rfc2217_port_where_there_are_no_more_threads() -> None:
    """It goes away when it is written to, which takes one, and is closed all the same: the one that reads does that."""
    with Rfc2217Server() as server:
        port = await open_port(f"rfc2217://127.0.0.1:{server.number}", 9600)
        assert isinstance(port, _Rfc2217Port)
        with no_threads():
            port.write(b"AT\r")
            with pytest.raises(PortClosed, match="can't start new thread"):
                await port.drain()
            async with asyncio.timeout(PATIENCE):
                await port.aclose()
                await port.aclose()
        assert not port._device.is_open
        assert not any(thread.name == f"read {port.name}" for thread in threading.enumerate())


@AS_PYSERIAL_DOES
@pytest.mark.parametrize("named", ["", "pySerial"])
async def test_rfc2217_port_that_there_is_no_thread_for(named: str) -> None:
    """Neither the bridge's own nor pyserial's: that is a port that can't be opened, and no end of anything else."""
    with Rfc2217Server() as server:
        url = f"rfc2217://127.0.0.1:{server.number}"
        with no_threads(named), pytest.raises(PortUnavailable, match="no thread to open it in: can't start") as refused:
            await open_port(url, 9600)
        assert refused.value.reason == "no_thread"
        if not named:
            await (await open_port(url, 9600)).aclose()


@AS_PYSERIAL_DOES
async def test_rfc2217_port_that_nobody_waits_for() -> None:
    """One that is given up while it is opened is closed again."""
    with Rfc2217Server() as server:
        opening = asyncio.create_task(open_port(f"rfc2217://127.0.0.1:{server.number}", 9600))
        await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        async with asyncio.timeout(PATIENCE):
            while any(thread.name.startswith("pySerial") for thread in threading.enumerate()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


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
        # a client that is given up may be gone before anything was said
        with connection, suppress(ConnectionError):
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
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
    number = free_port()
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
