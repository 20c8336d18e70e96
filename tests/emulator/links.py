"""What a host types to use the links of the SIM800-compatible stack, and what it must hear."""

from tests.emulator.bench import Bench
from tests.emulator.peers import Peer

ADDRESS = "198.51.100.7"
EVERY_BYTE = bytes(range(256))


async def bring_up(bench: Bench) -> None:
    """Bring the stack up for six links."""
    assert await bench.ask("AT+CIPMUX=1") == ["OK"]
    assert await bench.ask('AT+CSTT="iot.example","",""') == ["OK"]
    assert await bench.ask("AT+CIICR") == ["OK"]
    assert await bench.ask("AT+CIFSR;E0") == ["10.250.0.213", "OK"]


async def connect(bench: Bench, peer: Peer, link: int | None = None) -> None:
    """Connect the one link, or one of the six, to a server that the module knows as ``ADDRESS``."""
    bench.module.internet.routes[ADDRESS, peer.port] = ("127.0.0.1", peer.port)
    number, label = ("", "") if link is None else (f"{link},", f"{link}, ")
    kind = peer.protocol.upper()
    assert await bench.ask(f'AT+CIPSTART={number}"{kind}","{ADDRESS}",{peer.port}') == ["OK"]
    assert await bench.line() == f"{label}CONNECT OK"


async def send(bench: Bench, data: bytes, link: int | None = None) -> str:
    """Send behind the prompt; return the line that tells how it went."""
    number = "" if link is None else f"{link},"
    bench.type(f"AT+CIPSEND={number}{len(data)}\r".encode())
    assert await bench.until(b"> ") == b"\r\n> "
    bench.type(data)
    return await bench.line()
