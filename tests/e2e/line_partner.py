"""Whatever else may sit at a serial port, behind a TCP port: a device that is no SIM7020, or nothing that speaks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Reply = Callable[[bytes], bytes]


@asynccontextmanager
async def line_partner(reply: Reply, *, greeting: bytes = b"", port: int = 0) -> AsyncIterator[str]:
    """Answer whatever comes as ``reply`` says; yields the port's URL, any free port without one given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                writer.write(reply(data))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def silent(_: bytes) -> bytes:
    """Say nothing."""
    return b""


def echo(data: bytes) -> bytes:
    """Say the same."""
    return data


def nodder(data: bytes) -> bytes:
    """Say OK to everything."""
    return b"\r\nOK\r\n" * data.count(b"\r")


def other_modem(data: bytes) -> bytes:
    """Be a modem of another make."""
    said = {
        b"AT+CGMM": b"SIM800L",
        b"AT+CGMI": b"SIMCOM_Ltd",
        b"AT+CGMR": b"Revision:1418B05SIM800L24",
        b"AT+IFC?": b"+IFC: 0,0",
    }
    return b"".join(
        b"\r\n" + said[line] + b"\r\n\r\nOK\r\n" if line in said else b"\r\nOK\r\n"
        for line in data.split(b"\r")
        if line
    )


def satellite_receiver(_: bytes) -> bytes:
    """Be a GNSS receiver, which speaks without being asked."""
    return b"$GPGGA,120000.00,,,,,0,00,99.99,,,,,,*67\r\n"


def telnet(_: bytes) -> bytes:
    """Be a login over telnet, which wants options before all else (RFC 854)."""
    return b"\xff\xfd\x18\xff\xfd \xff\xfd#\xff\xfd'"
