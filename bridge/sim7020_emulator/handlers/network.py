"""Names, pings and traffic counters (manual V1.05's network chapters, TCP/IP note section 2.3)."""

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError
from sim7020_emulator.handlers.command import Call, Command, stored
from sim7020_emulator.sockets.internet import NameNotResolved, is_address

_LONGEST_NAME = 253


def _read_servers(call: Call) -> Answer:
    profile, facts = call.module.profile, call.module.facts
    first = profile.text("DNS1") or (facts.dns1 if call.module.packet.online else "208.67.222.222")
    second = profile.text("DNS2") or (facts.dns2 if call.module.packet.online else "0.0.0.0")  # noqa: S104 (printed)
    return lines(f"PrimaryDns: {first}", f"SecondaryDns: {second}")


def _write_servers(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    servers = [call.arguments.text(0), call.arguments.text(1, "")]
    if any(server and not is_address(server) for server in servers):
        raise PlainError
    for key, server in zip(("DNS1", "DNS2"), servers, strict=True):
        call.module.profile.set(key, server)
    return OK


async def _resolve(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    module = call.module
    # a driver's author quotes AT+CDNSGIP=="name" as sent to a module that resolved it
    name = call.arguments.text(0, longest=_LONGEST_NAME).removeprefix("=").strip('"')
    if is_address(name):
        raise PlainError
    if module.variants.is_set("dns", "urc"):
        return Answer(then=lambda: module.services.resolve(name))
    if not module.packet.online:
        raise PlainError
    if not await module.services.ask_name():
        raise PlainError
    try:
        return lines(f"+CDNSGIP: {await module.internet.address(name)}")
    except NameNotResolved:
        raise PlainError from None


async def _ping(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=4)
    module = call.module
    target = call.arguments.text(0, longest=_LONGEST_NAME)
    count = call.arguments.integer(1, 1, 100, default=4)
    size = call.arguments.integer(2, 0, 5120, default=32)
    limit = call.arguments.integer(3, 1, 600, default=100)
    if module.services.pinging:
        return Answer(final="BUSY")
    if not module.packet.online:
        raise MobileEquipmentError(Cme.NO_PDP_CONTEXT)
    try:
        address = await module.internet.address(target)
    except NameNotResolved:
        raise PlainError from None
    module.profile.set("CIPPING", f"{count},{size},{limit}")
    return Answer(then=lambda: module.services.ping(address, count=count, size=size, limit=limit))


def _read_traffic(call: Call) -> Answer:
    counter = call.module.bearer.traffic
    return lines(*(f"*MGCOUNT: {context.cid},{counter}" for context in call.module.packet.all()))


def _count_traffic(call: Call) -> Answer:
    call.arguments.limit(at_least=2, at_most=3)
    action = call.arguments.integer(0, 0, 2)
    cid = call.arguments.integer(1, 1, 15)
    call.arguments.integer(2, 0, 86400, default=0)
    if cid not in call.module.packet.contexts:
        raise PlainError
    counter = call.module.bearer.traffic
    if action == 0:
        counter.clear()
        return OK
    return Answer(then=lambda: call.module.emit_urc(f"*MGCOUNT: {cid},{counter}"))


COMMANDS: tuple[Command, ...] = (
    Command(
        "+CDNSCFG",
        test='+CDNSCFG: ("Primary DNS"),("Secondary DNS")',
        read=_read_servers,
        write=_write_servers,
    ),
    Command("+CDNSGIP", test="", write=_resolve),
    Command(
        "+CIPPING", test="+CIPPING: (1-100),(0-5120),(1-600)", read=stored("+CIPPING", "CIPPING"), write=_ping, cme=True
    ),
    Command("*MGCOUNT", test="*MGCOUNT: (0-2),(1-15),(0-86400)", read=_read_traffic, write=_count_traffic),
)
