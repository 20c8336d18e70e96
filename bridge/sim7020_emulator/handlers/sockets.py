"""The sockets (TCP/IP note section 3, manual V1.05's socket chapter)."""

import re

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import PlainError
from sim7020_emulator.handlers.command import Call, Command, fetched, setting, stored
from sim7020_emulator.sockets.errors import SocketFailed
from sim7020_emulator.sockets.internet import is_address
from sim7020_emulator.sockets.module_socket import KeepAlive, ModuleSocket, State, Transport
from sim7020_emulator.sockets.table import SOCKETS

_LAST = SOCKETS - 1
_HEX = re.compile(r"[0-9A-Fa-f]+")
_RAW_LIMIT = 1460
_HEX_LIMIT = 730


def _socket(call: Call) -> ModuleSocket:
    return call.module.sockets.get(call.arguments.integer(0, 0, _LAST))


def _error(call: Call, target: ModuleSocket, code: int) -> Answer:
    """Answer ERROR; +CSOERR tells why."""
    return Answer(final="ERROR", then=lambda: call.module.sockets.report_error(target, code))


def _create(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=4)
    domain = call.arguments.integer(0, 1, 2)
    kind = call.arguments.integer(1, 1, 3)
    protocol = call.arguments.integer(2, 1, int(call.module.variants["csoc_protocols"]))
    if len(call.arguments) > 3:  # noqa: PLR2004 (the optional cid)
        if call.module.variants.is_set("csoc_cid", "refused"):
            raise PlainError
        call.arguments.integer(3, 1, 15)
    if kind not in {Transport.TCP, Transport.UDP}:
        raise PlainError
    created = call.module.sockets.create(domain, Transport(kind), protocol)
    return lines(f"+CSOC: {created.number}")


def _test_create(call: Call) -> Answer:
    return lines(f"+CSOC: (1-2),(1-3),(1-{call.module.variants['csoc_protocols']})")


def _read_create(call: Call) -> Answer:
    full = call.module.variants.is_set("csoc_read", "full")
    return lines(
        *(
            f"+CSOC: {s.number},{s.domain},{int(s.transport)},{s.protocol}" if full else f"+CSOC: {s.number}"
            for s in call.module.sockets.all()
        )
    )


def _bind(call: Call) -> Answer:
    call.arguments.limit(at_least=2, at_most=3)
    call.module.sockets.bind(_socket(call), call.arguments.integer(1, 1, 65535))
    return OK


def _listen(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    target = _socket(call)
    try:
        call.module.sockets.listen(target)
    except SocketFailed as failed:
        return _error(call, target, failed.code)
    return OK


async def _connect(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=3)
    target = _socket(call)
    port = call.arguments.integer(1, 1, 65535)
    address = call.arguments.text(2)
    if not is_address(address):
        raise PlainError
    try:
        await call.module.sockets.connect(target, address, port)
    except SocketFailed as failed:
        if call.module.variants.is_set("csocon_failure", "error"):
            return Answer(final="ERROR")
        return _error(call, target, failed.code)
    return OK


def _read_connect(call: Call) -> Answer:
    connected = [s for s in call.module.sockets.all() if s.state is State.CONNECTED]
    return lines(*(f"+CSOCON: {s.number},{int(s.transport)}" for s in connected))


def _payload(call: Call) -> bytes:
    length = call.arguments.integer(1, 0, 2048)
    if length == 0:
        if not call.arguments.is_quoted(2):
            raise PlainError
        return call.arguments.text(2, longest=2048).encode("latin-1")
    digits = call.arguments.text(2, longest=2048)
    if length % 2 or len(digits) != length or not _HEX.fullmatch(digits):
        raise PlainError
    return bytes.fromhex(digits)


def _hand_over(call: Call, target: ModuleSocket, data: bytes) -> Answer | None:
    """Queue bytes; return what to answer if the endpoint fails at once."""
    try:
        call.module.sockets.send(target, data)
    except SocketFailed as failed:
        code = failed.code
        return Answer(final="ERROR", then=lambda: call.module.sockets.fail(target, code))
    return None


async def _send(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=3)
    target = _socket(call)
    data = _payload(call)
    if not 0 < len(data) <= int(call.module.variants["csosend_max"]):
        raise PlainError
    await call.module.schedule.pause(call.module.schedule.timing.accept)
    return _hand_over(call, target, data) or OK


async def _send_data(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    target = _socket(call)
    limit = call.module.variants["csodsend_max"]
    most = 1_000_000 if limit == "unlimited" else int(limit)
    wanted = call.arguments.integer(1, 1, most) if call.arguments.has(1) else None
    target.require(State.CONNECTED)
    data = await call.collect(wanted)
    if data is None:
        return OK
    if not 0 < len(data) <= most:
        raise PlainError
    await call.module.schedule.pause(call.module.schedule.timing.accept)
    failed = _hand_over(call, target, data)
    if failed is not None:
        return failed
    final = "OK" if call.module.variants.is_set("extra_ok", "yes") else None
    return Answer((f"DATA ACCEPT: {len(data)}",), final)


def _close(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    closed = _socket(call)
    call.module.sockets.close(closed.number)
    spoke = closed.transport is Transport.TCP and closed.state is State.CONNECTED
    return Answer(then=call.module.traffic if spoke else call.module.psm.check)


def _status(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    number = call.arguments.integer(0, 0, _LAST)
    found = call.module.sockets.find(number)
    return lines(f"+CSOSTATUS: {number},{int(found.state) if found else 0}")


def _acknowledged(target: ModuleSocket) -> str:
    sent = target.real.sent if target.real else 0
    waiting = target.real.unacknowledged() if target.real else 0
    return f"+CSOACK: {target.number},{sent},{sent - waiting},{waiting}"


def _write_acknowledged(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    return lines(_acknowledged(_socket(call)))


def _all_acknowledged(call: Call) -> Answer:
    return lines(*(_acknowledged(target) for target in call.module.sockets.all()))


def _keep_alive(call: Call) -> Answer:
    call.arguments.limit(at_least=2, at_most=5)
    target = _socket(call)
    if target.transport is not Transport.TCP:
        raise PlainError
    target.keep_alive = KeepAlive(
        call.arguments.integer(1, 0, 1),
        call.arguments.integer(2, 30, 7200, default=7200),
        call.arguments.integer(3, 30, 600, default=75),
        call.arguments.integer(4, 1, 9, default=9),
    )
    call.module.sockets.apply_keep_alive(target)
    return OK


def _read_keep_alive(call: Call) -> Answer:
    shown = []
    for target in call.module.sockets.all():
        alive = target.keep_alive
        if target.transport is Transport.TCP:
            values = (alive.mode, alive.idle, alive.interval, alive.count) if alive.mode else (0,)
            shown.append(f"+CSOALIVE: {target.number}," + ",".join(str(value) for value in values))
    return lines(*shown)


def _fetch(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=3)
    mode = call.arguments.integer(0, 0, 4)
    if mode < 2:  # noqa: PLR2004 (0 and 1 switch, 2 to 4 fetch)
        call.arguments.limit(at_least=1, at_most=1)
        call.module.profile.set("CSORXGET", mode)
        return OK
    target = call.module.sockets.get(call.arguments.integer(1, 0, _LAST))
    if mode == 4:  # noqa: PLR2004 (asks how much waits)
        return lines(f"+CSORXGET: 4,{target.number},{len(target.received)}")
    if not call.module.profile.number("CSORXGET"):
        raise PlainError
    as_hex = mode == 3  # noqa: PLR2004 (3 fetches hex)
    limit = _HEX_LIMIT if as_hex else _RAW_LIMIT
    asked = call.arguments.integer(2, 1, limit, default=limit)
    data = target.received.take(asked)
    if call.module.variants.is_set("csorxget_counts", "requested") and data:
        counts = f"{asked},{len(data)}"
    else:
        counts = f"{len(data)},{len(target.received)}"
    return fetched(f"+CSORXGET: {mode},{target.number},{counts}", data, as_hex=as_hex)


COMMANDS: tuple[Command, ...] = (
    Command("+CSOC", test=_test_create, read=_read_create, write=_create),
    Command("+CSOB", test="", read="", write=_bind),
    Command("+CSOLIS", test="", read="", write=_listen),
    Command("+CSOCON", test="", read=_read_connect, write=_connect),
    Command("+CSOSEND", test="", write=_send),
    Command("+CSODSEND", test="", write=_send_data),
    Command("+CSOCL", test="", write=_close),
    Command("+CSOSTATUS", test="+CSOSTATUS: (0-4)", write=_status),
    Command("+CSOACK", test="+CSOACK: (0-4)", write=_write_acknowledged, execute=_all_acknowledged),
    Command(
        "+CSOALIVE",
        test="+CSOALIVE: (0-4),(0-1),(30-7200),(30-600),(1-9)",
        read=_read_keep_alive,
        write=_keep_alive,
    ),
    Command("+CSORXGET", test="+CSORXGET: (0-4),(0-4),(1-1460)", read=stored("+CSORXGET", "CSORXGET"), write=_fetch),
    setting("+CSOSENDFLAG", "CSOSENDFLAG", 1, test="+CSOSENDFLAG: (0,1)"),
    setting("+CSORCVFLAG", "CSORCVFLAG", 1, test="+CSORCVFLAG: (0,1)"),
    setting("+RETENTION", "RETENTION", 1),
    setting("+CREVHEX", "CREVHEX", 1),
)
