"""Every kind of port against a real peer."""

import asyncio
import errno
import os
import termios
from contextlib import closing
from pathlib import Path

import pytest
import serial

from sim7020_bridge.errors import PortClosed, PortUnavailable
from sim7020_bridge.port.port import open_port
from tests.bridge.ports import EVERY_BYTE, opened, read_exactly
from tests.pty_peer import PATIENCE, PtyPeer

MORE_THAN_A_SOCKET_HOLDS = bytes(32 << 20)


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
            with pytest.raises(PortUnavailable, match=rf"the program .+ \(process {os.getpid()}\) has it open"):
                await open_port(port.name, 115200)
        async with opened(peer.path) as port:
            port.write(b"A")
            assert await peer.byte() == b"A"


async def test_missing_device(tmp_path: Path) -> None:
    """A device that isn't there is missing."""
    with pytest.raises(PortUnavailable, match="is the modem plugged in") as missing:
        await open_port(str(tmp_path / "ttyUSB0"), 115200)
    assert missing.value.reason == "missing"


async def test_device_that_goes_while_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs up between being opened and being configured is missing, and no other sort of device."""
    peer, slave = os.openpty()
    name, configured = os.ttyname(slave), termios.tcgetattr

    def hang_up(port: int) -> object:
        os.close(peer)
        monkeypatch.undo()
        return configured(port)

    monkeypatch.setattr(termios, "tcgetattr", hang_up)
    with pytest.raises(PortUnavailable, match="is the modem plugged in") as missing:
        await open_port(name, 115200)
    os.close(slave)
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
    # what to do is the alert's advice, and is read behind this
    assert "add" not in refused.value.detail


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
            with pytest.raises(PortUnavailable, match=rf"\(process {os.getpid()}\) has it open"):
                await open_port(str(name), 115200)


async def test_busy_device_whose_holder_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder that the system keeps to itself is just another program."""

    def busy(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EBUSY, "could not open port: Device or resource busy")

    monkeypatch.setattr(serial, "Serial", busy)
    # what to do is the alert's to say
    with pytest.raises(PortUnavailable, match=r"another program has it open$") as refused:
        await open_port("/dev/ttyUSB0", 115200)
    assert refused.value.reason == "busy"
