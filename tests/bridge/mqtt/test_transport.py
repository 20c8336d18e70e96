"""Opening the connection to the broker."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.mqtt import transport
from tests.bridge.mqtt.peer import PATIENCE, Peer, at, until
from tests.broker import Mosquitto
from tests.ports import free_port


class Place:
    """A server that counts the connections that were opened and closed."""

    def __init__(self) -> None:
        self.connections = self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wait for the end of a connection."""
        self.connections += 1
        await reader.read()
        writer.close()
        self.closed += 1


class Names:
    """A name service that answers when it is told to, as one may that is slow."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.thread: threading.Thread | None = None
        self._resolve = socket.getaddrinfo

    def __call__(self, *question: object) -> object:
        """Answer in the end."""
        self.thread = threading.current_thread()
        self.asked.set()
        self.answers.wait()
        return self._resolve(*question)  # type: ignore[arg-type]  # passed on as it came


@pytest.fixture
async def place() -> AsyncIterator[tuple[Place, MqttSettings]]:
    """Run a server."""
    one = Place()
    async with await asyncio.start_server(one.serve, "127.0.0.1", 0) as server:
        yield one, MqttSettings("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Make names slow."""
    slow = Names()
    monkeypatch.setattr("socket.getaddrinfo", slow)
    yield slow
    slow.answers.set()


async def opened(settings: MqttSettings) -> socket.socket:
    """Open a connection."""
    return await transport.opened(settings, patience=PATIENCE)


async def test_opened(place: tuple[Place, MqttSettings]) -> None:
    """What opens does not hold back small packets."""
    with await opened(place[1]) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_not_opened() -> None:
    """Who waits hears what went wrong."""
    with pytest.raises(ConnectionRefusedError):
        await opened(MqttSettings("127.0.0.1", free_port()))


async def test_nobody_waits(place: tuple[Place, MqttSettings], names: Names) -> None:
    """Cancelling does not wait, and what opens after all is closed."""
    one, settings = place
    task = asyncio.create_task(opened(settings))
    await until(names.asked.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one.connections == 0
    names.answers.set()
    await until(lambda: one.closed == 1)


async def test_nobody_waits_for_a_failure(names: Names, caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong after cancelling is nobody's concern."""
    task = asyncio.create_task(opened(MqttSettings("127.0.0.1", free_port())))
    await until(names.asked.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    names.answers.set()
    thread = names.thread
    assert thread is not None
    await until(lambda: not thread.is_alive())
    assert not caplog.records


async def test_cancelled_as_it_opens(
    place: tuple[Place, MqttSettings], names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed too when cancelling comes together with it."""
    one, settings = place
    loop, told = asyncio.get_running_loop(), threading.Event()
    call_soon = loop.call_soon_threadsafe

    def tell(*call: Any) -> None:
        call_soon(*call)
        told.set()

    monkeypatch.setattr(loop, "call_soon_threadsafe", tell)
    task = asyncio.create_task(opened(settings))
    await until(names.asked.is_set)
    names.answers.set()
    told.wait()  # the thread has told the loop, which has not heard it yet
    loop.call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: one.closed == 1)


def test_opens_after_the_loop_is_closed(names: Names) -> None:
    """With the loop closed, the thread that opened it closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        async def begin() -> None:
            task = asyncio.create_task(opened(MqttSettings("127.0.0.1", server.getsockname()[1])))
            await until(names.asked.is_set)
            task.cancel()

        asyncio.run(begin())
        names.answers.set()
        thread = names.thread
        assert thread is not None
        thread.join()
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b""


async def test_no_thread(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where no thread can be had, that is one attempt that failed."""
    start = threading.Thread.start

    def refuse(_thread: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", start)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    one = Peer(at(broker))
    await one.ready()
    assert "can't be reached: can't start new thread. Let the bridge have more threads" in caplog.text
    await one.end()
