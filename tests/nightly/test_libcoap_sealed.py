"""OSCORE with libcoap's own programs, which nobody here wrote: from 4.3.2 on, and so not on Debian 12."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.programs import ended
from tests.e2e.servers import until
from tests.e2e.test_far_end import FarEndProgram, far_end
from tests.e2e.test_sealed import sealed
from tests.e2e.world import World
from tests.oscore_peer import KEYS
from tests.ports import free_port

__all__ = ["far_end"]

SERVER = "coap-server-openssl"
CLIENT = "coap-client-openssl"
"""Those with a cipher: the others have no OSCORE either."""


@pytest.fixture(autouse=True)
def knows_oscore() -> None:
    """Say what is missing where libcoap can't do it."""
    told = subprocess.run([SERVER, "-h"], capture_output=True, text=True, check=False)
    assert "(Have OSCORE)" in told.stdout + told.stderr, "needs libcoap 4.3.2 or later with OSCORE, as on Debian 13"


def configured(file: Path, secret: bytes, salt: bytes, sender: bytes, recipient: bytes) -> Path:
    """Write what libcoap calls an OSCORE configuration."""
    file.write_text(
        f'master_secret,hex,"{secret.hex()}"\n'
        f'master_salt,hex,"{salt.hex()}"\n'
        f'sender_id,hex,"{sender.hex()}"\n'
        f'recipient_id,hex,"{recipient.hex()}"\n'
        "replay_window,integer,32\n"
        'aead_alg,text,"AES-CCM-16-64-128"\n'
        'hkdf_alg,text,"direct+HKDF-SHA-256"\n'
    )
    return file


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """Run libcoap's server with the keys; yield its port and its log."""
    keys = configured(tmp_path / "server.conf", KEYS.secret, KEYS.salt, KEYS.recipient_id, KEYS.sender_id)
    port, log = free_port(), tmp_path / "coap-server.log"
    arguments = ("-A", "127.0.0.1", "-p", str(port), "-d", "10", "-v", "7", "-E", f"{keys},{tmp_path / 'sequence'}")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(SERVER, *arguments, stdout=output, stderr=output)
    await until(lambda: _answers(port) or process.returncode is not None)
    assert process.returncode is None, log.read_text()
    yield port, log
    with suppress(ProcessLookupError):
        process.terminate()
    await ended(process)


def _answers(port: int) -> bool:
    url = f"coap://127.0.0.1:{port}/time"
    return bool(subprocess.run([CLIENT, "-B", "1", url], capture_output=True, check=False).stdout)


async def test_its_server(world: World, tmp_path: Path, server: tuple[int, Path]) -> None:
    """Messages are sealed so that libcoap's server opens them, and it answers so that the bridge does."""
    port, log = server
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": sealed(tmp_path, port)})
    for number in range(3):
        await shed.send("telemetry", b"%d degrees" % number, f"m{number}")
        await shed.receipt("telemetry", f"m{number}", "acknowledged")
    assert shed.receipts("telemetry", "m2") == ["queued", "sending", "accepted", "acknowledged"]
    assert "2 degrees" in log.read_text(errors="replace")


async def test_its_client(world: World, tmp_path: Path, far_end: FarEndProgram) -> None:
    """What libcoap's client seals the far end opens, publishes, and answers."""
    keys = configured(tmp_path / "client.conf", bytes(range(16)), b"", b"\x01", b"")
    # its numbers begin at 0: the far end, which knows none of them, has it prove the first
    for number in range(2):
        client = await asyncio.create_subprocess_exec(
            *(CLIENT, "-B", "10", "-m", "post", "-e", f"reading {number}"),
            *("-E", f"{keys},{tmp_path / 'sequence'}", f"coap://127.0.0.1:{far_end.port}/raw"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await client.communicate()
        assert client.returncode == 0, told.decode()
    await world.mqtt.message("far-end/shed/received/raw", lambda heard: heard.payload == b"reading 1")
    assert [heard.payload for heard in world.mqtt.all("far-end/shed/received/raw")] == [b"reading 0", b"reading 1"]
