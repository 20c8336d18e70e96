"""The list of serial ports: names that last, who holds a port, and what is known of the hardware."""

import asyncio
import os
from pathlib import Path

import pytest

from sim7020_bridge.port import listing
from sim7020_bridge.port.holders import Holder, holders, other_holders
from sim7020_bridge.port.listing import serial_ports
from sim7020_bridge.port.port import Attached
from tests.pty_peer import PtyPeer


async def test_a_held_port_names_its_holder(tmp_path: Path) -> None:
    """Whoever has the device open is named, whichever name it was opened by."""
    async with PtyPeer() as peer:
        link = tmp_path / "modem"
        link.symlink_to(peer.path)
        (port,) = serial_ports([str(link)])
    assert os.getpid() in [holder.process for holder in port.held_by]
    assert port.usable
    assert port.document()["usb"] is None


async def test_others_at_a_port() -> None:
    """Whoever reads along is named, and this process is not; nobody knows who is at a server."""
    async with PtyPeer() as peer:
        assert other_holders(peer.path) == ()
        device = os.open(peer.path, os.O_RDONLY | os.O_NOCTTY)
        reader = await asyncio.create_subprocess_exec("sleep", "60", stdin=device)
        os.close(device)
        try:
            assert other_holders(peer.path) == (Holder("sleep", reader.pid),)
        finally:
            reader.kill()
            await reader.wait()
    assert other_holders("socket://127.0.0.1:7020") == ()


def test_processes_that_go_away_or_are_secret_do_not_matter(tmp_path: Path) -> None:
    """What can't be read of a process is left out; without any processes to read there are no holders."""
    (tmp_path / "17").mkdir()
    (tmp_path / "self").mkdir()
    (tmp_path / "18" / "fd").mkdir(parents=True)
    (tmp_path / "18" / "comm").write_text("minicom\n")
    (tmp_path / "18" / "fd" / "3").symlink_to("/dev/null")
    (tmp_path / "18" / "fd" / "4").write_text("no link")
    assert holders("/dev/null", tmp_path) == (Holder("minicom", 18),)
    assert holders("/dev/null", tmp_path / "none") == ()


def test_lasting_names_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name to configure is the one that stays; USB ids are given as everybody writes them."""
    hardware = Attached("/dev/null", 0x1A86, 0x7523, "QinHeng", "CH340", "12")
    monkeypatch.setattr(listing, "attached", lambda: (hardware,))
    (tmp_path / "usb-QinHeng_CH340-if00").symlink_to("/dev/null")
    (tmp_path / "usb-other").symlink_to("/dev/zero")
    (port,) = serial_ports(lasting_names=tmp_path)
    assert port.best_name == str(tmp_path / "usb-QinHeng_CH340-if00")
    assert port.document()["usb"] == {
        "vendor_id": "1a86",
        "product_id": "7523",
        "manufacturer": "QinHeng",
        "product": "CH340",
        "serial_number": "12",
    }
    (other,) = serial_ports(["/dev/zero"], tmp_path / "none")
    assert other.best_name == "/dev/zero"
