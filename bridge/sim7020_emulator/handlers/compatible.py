"""The SIM800-compatible stack as far as its bring-up and one client connection go.

Source: TCP/IP note V1.02 section 4.
"""

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import PlainError
from sim7020_emulator.handlers.command import Call, Command


def _read_task(call: Call) -> Answer:
    apn, user, password = call.module.compatible.task
    return lines(f'+CSTT: "{apn}","{user}","{password}"')


def _start_task(call: Call) -> Answer:
    call.arguments.limit(at_most=3)
    apn, user, password = (call.arguments.text(index, "") for index in range(3))
    call.module.compatible.task = (apn, user, password)
    call.module.compatible.state = "IP START"
    return OK


def _bring_up(call: Call) -> Answer:
    if not call.module.packet.online:
        raise PlainError
    call.module.compatible.state = "IP GPRSACT"
    return OK


def _local_address(call: Call) -> Answer:
    context = call.module.packet.default
    if not context.active:
        raise PlainError
    call.module.compatible.state = "IP STATUS"
    if call.module.variants.is_set("cifsr", "prefixed"):
        return lines(f"+CIFSR: {context.address}")
    return Answer((context.address,), final=None)


def _local_address_extended(call: Call) -> Answer:
    context = call.module.packet.default
    if not context.active:
        raise PlainError
    return lines(f"+CIFSREX: {context.address}")


def _connect(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=3)
    kind = call.arguments.text(0).upper()
    host, port = call.arguments.text(1), call.arguments.integer(2, 1, 65535)
    if kind not in {"TCP", "UDP"} or not call.module.packet.online:
        raise PlainError
    link = call.module.compatible
    if link.connected:
        return Answer(then=lambda: call.module.emit_urc("ALREADY CONNECT"))
    return Answer(then=lambda: link.connect(kind, host, port))


async def _send(call: Call) -> Answer:
    call.arguments.limit(at_most=1)
    wanted = call.arguments.integer(0, 1, 1460) if call.arguments.has(0) else None
    link = call.module.compatible
    if not link.connected:
        raise PlainError
    data = await call.collect(wanted)
    if data is None:
        return OK
    return Answer(final="SEND OK" if data and link.send(data) else "SEND FAIL")


def _close(call: Call) -> Answer:
    call.arguments.limit(at_most=1)
    if not call.module.compatible.connected:
        raise PlainError
    call.module.compatible.close()
    return Answer(final="CLOSE OK")


def _shut(call: Call) -> Answer:
    call.module.compatible.close()
    call.module.compatible.state = "IP INITIAL"
    return Answer(final="SHUT OK")


def _status(call: Call) -> Answer:
    return Answer(then=lambda: call.module.emit_urc(f"STATE: {call.module.compatible.state}"))


COMMANDS: tuple[Command, ...] = (
    Command("+CSTT", test="", read=_read_task, write=_start_task, execute=_start_task),
    Command("+CIICR", test="", execute=_bring_up),
    Command("+CIFSR", test="", execute=_local_address),
    Command("+CIFSREX", test="", execute=_local_address_extended),
    Command("+CIPSTART", test="", write=_connect),
    Command("+CIPSEND", test="", write=_send, execute=_send),
    Command("+CIPCLOSE", test="", write=_close, execute=_close),
    Command("+CIPSHUT", test="", execute=_shut),
    Command("+CIPSTATUS", test="", execute=_status),
)
