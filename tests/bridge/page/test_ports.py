"""The ports on the page: what a modem of this bridge has is left alone, whatever it is called."""

from pathlib import Path

import pytest

from sim7020_bridge.http.reply import Refusal
from sim7020_bridge.page.ports import Ports


@pytest.mark.parametrize(
    ("of_the_modem", "asked"),
    [
        ("socket://127.0.0.1:5000", "socket://127.0.0.1:5000"),
        ("socket://127.0.0.1:5000", "rfc2217://localhost:5000"),
        ("socket://localhost:5000", "socket://127.0.0.1:5000"),
        ("socket://127.0.0.1:5000", "socket://127.0.0.2:5000"),
        ("socket://127.0.0.1:5000", "socket://127.1:5000"),
        ("socket://127.0.0.1:5000", "socket://[::1]:5000"),
        ("socket://127.0.0.1:5000", "socket://[::ffff:127.0.0.1]:5000"),
        ("socket://198.51.100.7:5000", "socket://[::ffff:198.51.100.7]:5000"),
        ("socket://LOCALHOST:5000", "socket://0.0.0.0:5000"),
        ("socket://no.such.host.invalid:5000", "socket://NO.such.host.invalid:5000"),
    ],
)
async def test_a_serial_server_by_another_name(of_the_modem: str, asked: str) -> None:
    """It is the modem's all the same; another port of it is not."""
    ports = Ports(lambda: {"shed": of_the_modem})
    with pytest.raises(Refusal, match="the modem shed of this bridge has"):
        async with ports.taken(asked):
            pass
    async with ports.taken(asked.replace("5000", "5001")):
        with pytest.raises(Refusal, match="is being asked already"):
            async with ports.taken(of_the_modem.replace("5000", "5001")):
                pass


async def test_a_device_by_another_name(tmp_path: Path) -> None:
    """A link to it is the same one."""
    (tmp_path / "device").touch()
    (tmp_path / "link").symlink_to("device")
    with pytest.raises(Refusal, match="the modem shed of this bridge has"):
        async with Ports(lambda: {"shed": str(tmp_path / "link")}).taken(str(tmp_path / "device")):
            pass
