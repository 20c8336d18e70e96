"""The module's HTTP client (HTTP note V1.02, manual V1.05's HTTP chapter)."""

import re

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import PlainError
from sim7020_emulator.handlers.command import Call, Command
from sim7020_emulator.sockets.errors import SocketFailed
from sim7020_emulator.sockets.http import CLIENTS, METHODS, HttpClient

_URL = re.compile(r"http://(?P<host>[^/:\s]+)(:(?P<port>\d{1,5}))?(?P<path>/\S*)?", re.IGNORECASE)
_HEX = re.compile(r"([0-9A-Fa-f]{2})*")


def _client(call: Call) -> HttpClient:
    return call.module.http.get(call.arguments.integer(0, 0, CLIENTS - 1))


def _create(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=3)
    url = call.arguments.text(0)
    match = _URL.fullmatch(url)
    if match is None or not 1 <= (port := int(match["port"] or 80)) <= 65535:  # noqa: PLR2004 (the last port)
        raise PlainError
    login = (call.arguments.text(1, ""), call.arguments.text(2, ""))
    client = call.module.http.create(url, match["host"], port, login if any(login) else None)
    prefix = "+CHTTPCREATE" if call.module.variants.is_set("http_create", "chttpcreate") else "+CHTTPCREAT"
    return lines(f"{prefix}: {client.number}")


def _read_created(call: Call) -> Answer:
    clients = call.module.http.all()
    return lines(*(f"+CHTTPCREATE: {n},{int(c is not None)},{c.url if c else '(null)'}" for n, c in enumerate(clients)))


def _read_connected(call: Call) -> Answer:
    clients = call.module.http.all()
    return lines(
        *(f"+CHTTPCON: {n},{int(bool(c and c.connected))},{c.url if c else '(null)'}" for n, c in enumerate(clients))
    )


async def _connect(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    client = _client(call)
    try:
        await call.module.http.connect(client)
    except SocketFailed:
        raise PlainError from None
    return OK


def _hex(call: Call, index: int) -> bytes:
    """Read hex digits; a lone 0 is what an official driver sends for none."""
    digits = call.arguments.text(index, "", longest=2048)
    if digits == "0":
        return b""
    if not _HEX.fullmatch(digits):
        raise PlainError
    return bytes.fromhex(digits)


def _send(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=6)
    client = _client(call)
    method = METHODS[call.arguments.integer(1, 0, len(METHODS) - 1)]
    path = call.arguments.text(2, longest=2048)
    if not path or re.search(r"\s", path):
        raise PlainError
    kind = call.arguments.text(4, "")
    call.module.http.send(client, method, path, headers=_hex(call, 3), kind=kind, body=_hex(call, 5))
    return OK


def _disconnect(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    call.module.http.disconnect(_client(call))
    return OK


def _destroy(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    call.module.http.destroy(_client(call))
    return OK


COMMANDS: tuple[Command, ...] = (
    Command("+CHTTPCREATE", test="", read=_read_created, write=_create),
    Command("+CHTTPCON", test="", read=_read_connected, write=_connect),
    Command("+CHTTPSEND", test="", write=_send),
    Command("+CHTTPDISCON", test="", write=_disconnect),
    Command("+CHTTPDESTROY", test="", write=_destroy),
)
