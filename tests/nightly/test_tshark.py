"""What goes over the air, as a program reads it that knows nothing of ours: tshark, given the keys."""

import struct
import subprocess
from pathlib import Path

import aiocoap

from tests.coap_datagram import taken_apart
from tests.e2e.servers import UdpServer
from tests.e2e.test_sealed import sealed
from tests.e2e.world import World
from tests.oscore_peer import COMMAND, KEYS, Peer

RAW_IP = 101
HERE, THERE = (bytes((10, 0, 0, 1)), 40000), (bytes((10, 0, 0, 2)), 5683)


def packet(data: bytes, *, up: bool) -> bytes:
    """Return a datagram as an IPv4 packet."""
    (source, from_port), (destination, to_port) = (HERE, THERE) if up else (THERE, HERE)
    datagram = struct.pack("!HHHH", from_port, to_port, 8 + len(data), 0) + data
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, source, destination)
    return head + datagram


def capture(file: Path, packets: list[bytes]) -> None:
    """Write packets as a capture."""
    records = [struct.pack("<IIII", at, 0, len(each), len(each)) + each for at, each in enumerate(packets)]
    file.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP) + b"".join(records))


def read(file: Path, *options: str) -> str:
    """Return all that tshark says of a capture."""
    return subprocess.run(
        ["tshark", "-V", "-r", str(file), *options], capture_output=True, text=True, check=True
    ).stdout


async def test_sealed_messages(world: World, tmp_path: Path) -> None:
    """With the keys tshark opens what was captured, both ways; without them it sees neither path nor text."""
    peer, server = Peer(), await world.udp()
    answers: list[bytes] = []
    answering(server, peer, answers)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": sealed(tmp_path, server.port)})
    for name in ("m1", "m2"):
        await shed.send("telemetry", b"21.5 degrees", name)
        await shed.receipt("telemetry", name, "acknowledged")
    file = tmp_path / "air.pcap"
    datagrams = [(data, True) for data in server.datagrams] + [(data, False) for data in answers]
    ordered = sorted(datagrams, key=lambda each: (int.from_bytes(each[0][2:4], "big"), not each[1]))
    capture(file, [packet(data, up=up) for data, up in ordered])
    keys = (*(part.hex() for part in (KEYS.sender_id, KEYS.recipient_id, KEYS.secret, KEYS.salt)), "")
    contexts = ",".join(f'"{part}"' for part in (*keys, "AES-CCM-16-64-128 (CCM*)"))
    told = read(file, "-o", f"uat:oscore_contexts:{contexts}")
    assert told.count("Decrypted Authentication Tag") == 4
    assert "Authentication tag check failed" not in told
    assert told.count("Uri-Path: t\n") >= 2
    assert told.count(b"21.5 degrees".hex()) == 2
    assert told.count(b"on".hex()) >= 2
    # the second message says that the command was taken, by an option that nobody else has
    assert told.count("Unknown Option (65004): 05") == 3
    assert "Malformed" not in told
    blind = read(file)
    assert "Uri-Path: t\n" not in blind
    assert b"21.5".hex() not in blind
    assert "Malformed" not in blind


def answering(server: UdpServer, peer: Peer, answers: list[bytes]) -> None:
    """Have a server acknowledge each request with a command, and keep its answers."""

    def answer(data: bytes) -> None:
        seen = taken_apart(data)
        if seen.code == (0, 2):
            answers.append(peer.answer(seen, aiocoap.CHANGED, b"on", (COMMAND, b"\x05"))[1])
            server.send(answers[-1])

    server.on_data = answer
