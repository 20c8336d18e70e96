"""The SIM800-compatible stack (TCP/IP note V1.02 section 4, manual V1.05 chapter 7)."""

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import PlainError
from sim7020_emulator.handlers.command import Call, Command, fetched, setting, stored
from sim7020_emulator.module.packet import DEFAULT_CID
from sim7020_emulator.sockets.compatible import LINKS, UNUSED, UP, Stage
from sim7020_emulator.sockets.errors import SocketFailed
from sim7020_emulator.sockets.link import Link, LinkState

_LONGEST_SEND = 1460
"""Bytes of one +CIPSEND."""

_RAW_LIMIT = 1460
_HEX_LIMIT = 730


def _link(call: Call, index: int = 0) -> tuple[Link, int]:
    """Return the link that a command is about, and where its other arguments begin."""
    stack = call.module.compatible
    if not stack.multiple:
        return stack.links[0], index
    return stack.links[call.arguments.integer(index, 0, LINKS - 1)], index + 1


def _read_task(call: Call) -> Answer:
    apn, user, password = call.module.compatible.task
    return lines(f'+CSTT: "{apn}","{user}","{password}"')


def _start_task(call: Call) -> Answer:
    call.arguments.limit(at_most=3)
    stack = call.module.compatible
    if stack.stage not in UNUSED | {Stage.START}:
        raise PlainError
    apn, user, password = (call.arguments.text(index, "") for index in range(3))
    stack.task = (apn, user, password)
    stack.stage = Stage.START
    return OK


async def _bring_up(call: Call) -> Answer:
    module, stack = call.module, call.module.compatible
    if stack.stage is not Stage.START or not module.radio.registered:
        raise PlainError
    stack.stage = Stage.CONFIG
    if not module.packet.online:
        await module.schedule.pause(module.schedule.timing.pdn)
        if not module.packet.activate(DEFAULT_CID):
            stack.stage = Stage.DEACTIVATED
            raise PlainError
    stack.stage = Stage.ACTIVE
    return OK


def _local_address(call: Call) -> Answer:
    context = call.module.packet.default
    if not context.active:
        raise PlainError
    if call.module.compatible.stage is Stage.ACTIVE:
        call.module.compatible.stage = Stage.STATUS
    if call.module.variants.is_set("cifsr", "prefixed"):
        return lines(f"+CIFSR: {context.address}")
    return Answer((context.address,), final=None)


def _local_address_extended(call: Call) -> Answer:
    context = call.module.packet.default
    if not context.active:
        raise PlainError
    return lines(f"+CIFSREX: {context.address}")


def _multiple(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    stack = call.module.compatible
    value = call.arguments.integer(0, 0, 1)
    used = stack.stage not in UNUSED
    if value != call.module.profile.number("CIPMUX") and (used or call.module.profile.number("CIPMODE")):
        raise PlainError
    call.module.profile.set("CIPMUX", value)
    return OK


def _transparent_mode(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    stack = call.module.compatible
    value = call.arguments.integer(0, 0, 1)
    if stack.multiple or stack.port is not None or stack.links[0].busy:
        raise PlainError
    call.module.profile.set("CIPMODE", value)
    return OK


def _go_on(call: Call) -> Answer:
    """Let data pass on the transparent link that +++ has left."""
    call.arguments.integer(0, 0, 0, default=0)
    link = call.module.compatible.links[0]
    if link.state is not LinkState.CONNECTED or not link.transparent:
        raise PlainError
    return Answer(final="CONNECT", then=call.module.compatible.transparent.resume)


def _hex_mode(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    value = call.arguments.integer(0, 0, 2)
    if value == 1:
        raise PlainError
    call.module.profile.set("CIPHEXS", value)
    return OK


def _auto_send(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    on = call.arguments.integer(0, 0, 1)
    seconds = call.arguments.integer(1, 1, 100, default=None if on else 1)
    call.module.profile.set("CIPATS", f"1,{seconds}" if on else "0")
    return OK


def _connect(call: Call) -> Answer:
    stack = call.module.compatible
    link, first = _link(call)
    call.arguments.limit(at_least=first + 3, at_most=first + 3)
    kind, host = call.arguments.text(first).upper(), call.arguments.text(first + 1)
    port = call.arguments.integer(first + 2, 1, 65535)
    if kind not in {"TCP", "UDP"} or not host or not call.module.packet.online:
        raise PlainError
    if stack.multiple and stack.stage not in UP:
        raise PlainError
    if link.busy:
        return Answer(then=lambda: call.module.emit_urc(stack.label(link, "ALREADY CONNECT")))
    stack.stage = Stage.STATUS
    return Answer(then=lambda: stack.connect(link, kind, host, port))


async def _send(call: Call) -> Answer:
    stack = call.module.compatible
    link, first = _link(call)
    call.arguments.limit(at_most=first + 1)
    wanted = call.arguments.integer(first, 1, _LONGEST_SEND) if call.arguments.has(first) else None
    if link.state is not LinkState.CONNECTED or link.transparent:
        raise PlainError
    mode, _, seconds = call.module.profile.text("CIPATS").partition(",")
    data = await call.collect(wanted, float(seconds) if mode == "1" and wanted is None else None)
    if data is None:
        return OK
    await call.module.schedule.pause(call.module.schedule.timing.accept)
    quick = call.module.profile.number("CIPQSEND") == 1
    real = link.real
    try:
        sent = 0 < len(data) <= _LONGEST_SEND and await stack.send(link, data, quick=quick)
    except SocketFailed:
        return Answer(final=stack.label(link, "SEND FAIL"), then=lambda: stack.fail(link, real))
    if not sent:
        return Answer(final=stack.label(link, "SEND FAIL"))
    if not quick:
        return Answer(final=stack.label(link, "SEND OK"))
    number = f"{link.number}," if stack.multiple else ""
    final = "OK" if call.module.variants.is_set("extra_ok", "yes") else None
    return Answer((f"DATA ACCEPT: {number}{len(data)}",), final)


def _fetch(call: Call) -> Answer:
    mode = call.arguments.integer(0, 0, 4)
    if mode < 2:  # noqa: PLR2004 (0 and 1 switch, 2 to 4 fetch)
        call.arguments.limit(at_least=1, at_most=1)
        call.module.profile.set("CIPRXGET", mode)
        return OK
    link, first = _link(call, 1)
    number = f"{link.number}," if call.module.compatible.multiple else ""
    if mode == 4:  # noqa: PLR2004 (asks how much waits)
        call.arguments.limit(at_most=first)
        return lines(f"+CIPRXGET: 4,{number}{len(link.received)}")
    call.arguments.limit(at_most=first + 1)
    if not call.module.profile.number("CIPRXGET"):
        raise PlainError
    limit = _HEX_LIMIT if mode == 3 else _RAW_LIMIT  # noqa: PLR2004 (3 fetches hex)
    data = link.received.take(call.arguments.integer(first, 1, limit))
    return fetched(f"+CIPRXGET: {mode},{number}{len(data)},{len(link.received)}", data, as_hex=mode == 3)  # noqa: PLR2004


def _test_fetch(call: Call) -> Answer:
    numbers = f"(0-{LINKS - 1})," if call.module.compatible.multiple else ""
    return lines(f"+CIPRXGET: (0-4),{numbers}(1-{_RAW_LIMIT})")


def _close(call: Call) -> Answer:
    stack = call.module.compatible
    link, first = _link(call)
    call.arguments.limit(at_most=first + 1)
    call.arguments.integer(first, 0, 1, default=0)
    if not link.busy:
        raise PlainError
    spoke = link.kind == "TCP" and link.state is LinkState.CONNECTED
    stack.close(link)
    return Answer(final=stack.label(link, "CLOSE OK"), then=call.module.traffic if spoke else call.module.psm.check)


def _shut(call: Call) -> Answer:
    call.module.compatible.forget()
    return Answer(final="SHUT OK", then=call.module.psm.check)


def _status(call: Call) -> Answer:
    stack = call.module.compatible

    def report() -> None:
        call.module.emit_urc(f"STATE: {stack.state}")
        if stack.multiple:
            call.module.emit_urc("\r\n".join(f"C: {link}" for link in stack.links))

    return Answer(then=report)


def _status_of_one(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    if not call.module.compatible.multiple:
        raise PlainError
    link, _ = _link(call)
    return lines(f"+CIPSTATUS: {link}")


def _serve(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    module, stack = call.module, call.module.compatible
    if call.arguments.integer(0, 0, 1):
        port = call.arguments.integer(1, 1, 65535)
        if stack.port is not None or not module.packet.online or module.profile.number("CIPMODE"):
            raise PlainError
        stack.listen(port)
        return Answer(then=lambda: module.emit_urc("SERVER OK"))
    call.arguments.limit(at_most=1)
    if stack.port is None:
        raise PlainError
    stack.stop_listening()
    return Answer(then=lambda: module.emit_urc("SERVER CLOSE"))


def _read_server(call: Call) -> Answer:
    port = call.module.compatible.port
    return lines("+CIPSERVER: 0" if port is None else f"+CIPSERVER: 1,{port}")


COMMANDS: tuple[Command, ...] = (
    Command("+CSTT", test="", read=_read_task, write=_start_task, execute=_start_task),
    Command("+CIICR", test="", execute=_bring_up),
    Command("+CIFSR", test="", execute=_local_address),
    Command("+CIFSREX", test="", execute=_local_address_extended),
    Command("+CIPMUX", test="+CIPMUX: (0-1)", read=stored("+CIPMUX", "CIPMUX"), write=_multiple),
    setting("+CIPQSEND", "CIPQSEND", 1),
    setting("+CIPHEAD", "CIPHEAD", 1),
    setting("+CIPSRIP", "CIPSRIP", 1),
    Command("+CIPHEXS", test="+CIPHEXS: (0,2)", read=stored("+CIPHEXS", "CIPHEXS"), write=_hex_mode),
    Command("+CIPATS", test="+CIPATS: (0-1),(1-100)", read=stored("+CIPATS", "CIPATS"), write=_auto_send),
    Command("+CIPSTART", test="", write=_connect),
    Command("+CIPSEND", test="", write=_send, execute=_send),
    Command("+CIPRXGET", test=_test_fetch, read=stored("+CIPRXGET", "CIPRXGET"), write=_fetch),
    Command("+CIPCLOSE", test="", write=_close, execute=_close),
    Command("+CIPSHUT", test="", execute=_shut),
    Command("+CIPSTATUS", test="", write=_status_of_one, execute=_status),
    Command("+CIPMODE", test="+CIPMODE: (0-1)", read=stored("+CIPMODE", "CIPMODE"), write=_transparent_mode),
    Command("+CIPCHAN", test="", execute=_go_on),
    Command("O", execute=_go_on),
    Command("+CIPSERVER", test="+CIPSERVER: (0-1),(1-65535)", read=_read_server, write=_serve),
)
