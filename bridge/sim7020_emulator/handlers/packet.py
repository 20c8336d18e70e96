"""Packet domain (manual V1.05's packet chapter, TCP/IP note section 2)."""

import re
from ipaddress import IPv6Address

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.handlers.command import Call, Command, numbers
from sim7020_emulator.module.packet import DEFAULT_CID, LAST_CID, Context, IPAddress, printed

_TYPES = ("IP", "IPV6", "IPV4V6", "Non-IP")
_RANGES = ",,,(0-2),(0-4),(0),,,,(0-1),,(0-1),,(0-1)"
_BY_NAME = {name.upper(): name for name in _TYPES}
_NAME = re.compile(r"[!-~]{0,100}")
_OWN_PART = 2**64 - 1
_PREFIX_MASK = IPv6Address(_OWN_PART << 64)
_LINK_LOCAL = 0xFE80 << 112


def _type(call: Call, index: int) -> str:
    try:
        return _BY_NAME[call.arguments.text(index, "IP").upper()]
    except KeyError:
        raise Refused from None


def _apn(call: Call, index: int) -> str:
    apn = call.arguments.text(index, "")
    if not _NAME.fullmatch(apn):
        raise Refused
    return apn


def _context(call: Call, index: int) -> Context:
    cid = call.arguments.integer(index, 1, LAST_CID)
    try:
        return call.module.packet.contexts[cid]
    except KeyError:
        raise MobileEquipmentError(Cme.PROFILE_NOT_DEFINED) from None


def _read_activation(call: Call) -> Answer:
    return lines(*(f"+CGACT: {c.cid},{int(c.active)}" for c in call.module.packet.all()))


async def _activate(call: Call) -> Answer:
    module = call.module
    call.arguments.limit(at_least=1, at_most=1 + LAST_CID)
    wanted = call.arguments.integer(0, 0, 1)
    positions = range(1, len(call.arguments))
    contexts = [_context(call, index) for index in positions] or module.packet.all()
    if wanted and not module.radio.registered:
        raise MobileEquipmentError(Cme.NO_NETWORK_SERVICE)
    changed = any(context.active is not bool(wanted) for context in contexts)
    await module.schedule.pause(module.schedule.timing.pdn)
    if wanted and any(module.packet.refuses(context) for context in contexts):
        raise MobileEquipmentError(Cme.UNKNOWN_APN)

    def carry_out() -> None:
        for context in contexts:
            if wanted:
                module.packet.activate(context.cid)
            else:
                module.deactivate(context.cid)

    if not wanted and changed and module.variants.is_set("cgact_off", "no_carrier"):
        return Answer(final="NO CARRIER", then=carry_out)
    return Answer(then=carry_out)


def _read_contexts(call: Call) -> Answer:
    return lines(
        *(f'+CGDCONT: {c.cid},"{c.kind}","{c.apn}","{c.address}",0,0' for c in call.module.packet.all() if c.defined)
    )


def _define_context(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=14)
    cid = call.arguments.integer(0, 1, LAST_CID)
    contexts = call.module.packet.contexts
    if len(call.arguments) == 1:
        _delete(call, cid)
        return OK
    kind, apn = _type(call, 1), _apn(call, 2)
    context = contexts.setdefault(cid, Context(cid))
    if context.active and cid != DEFAULT_CID:
        raise PlainError
    context.kind, context.apn, context.defined = kind, apn, True
    return OK


def _delete(call: Call, cid: int) -> None:
    contexts = call.module.packet.contexts
    if cid not in contexts:
        raise MobileEquipmentError(Cme.PROFILE_NOT_DEFINED)
    if contexts[cid].active and cid != DEFAULT_CID:
        call.module.deactivate(cid)
    if cid == DEFAULT_CID:
        contexts[cid].defined = False
    else:
        del contexts[cid]


def _delete_context(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    cid = call.arguments.integer(0, 1, LAST_CID)
    _delete(call, cid)
    return lines(f"+CGDEL: {cid}")


def _read_default(call: Call) -> Answer:
    stored = [str(call.module.profile.stored(f"DEFAULT_{key}")) for key in ("TYPE", "APN", "USER", "PASSWORD")]
    return lines("*MCGDEFCONT: " + ",".join(f'"{text}"' for text in stored))


def _write_default(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=4)
    kind, apn = _type(call, 0), _apn(call, 1)
    user, password = call.arguments.text(2, "", longest=64), call.arguments.text(3, "", longest=64)
    for key, value in (("TYPE", kind), ("APN", apn), ("USER", user), ("PASSWORD", password)):
        call.module.profile.set(f"DEFAULT_{key}", value)
    return OK


def _address(call: Call, context: Context) -> str:
    told = (f'"{_shown(call, _told(call, address))}"' for address in context.addresses)
    return ",".join((f"+CGPADDR: {context.cid}", *told))


def _told(call: Call, address: IPAddress) -> IPAddress:
    """Return what of an address is known when the PDN is made: of IPv6, the network may announce the prefix later."""
    if isinstance(address, IPv6Address) and call.module.variants.is_set("ipv6_address", "own"):
        return IPv6Address(int(address) & _OWN_PART)
    return address


def _shown(call: Call, address: IPAddress, mask: str = "") -> str:
    """Print an address, with a mask if one is given, as +CGPIAF asks for it (TS 27.007)."""
    colons, slash, zeros, compressed = (int(digit) for digit in call.module.profile.text("CGPIAF").split(","))
    if not isinstance(address, IPv6Address):
        return f"{address}.{mask}" if mask else str(address)
    masks = [_PREFIX_MASK] if mask and not (colons and slash) else []
    if not colons:
        return ".".join(map(printed, (address, *masks)))
    shown = []
    for each in (address, *masks):
        text = each.compressed if compressed else _uncompressed(each)
        shown.append(":".join(part.zfill(4) if part and zeros else part for part in text.split(":")).upper())
    return " ".join(shown) + ("/64" if mask and slash else "")


def _uncompressed(address: IPAddress) -> str:
    return re.sub(r"\b0{1,3}(?=[^.:])", "", address.exploded) if isinstance(address, IPv6Address) else str(address)


def _all_addresses(call: Call) -> Answer:
    if call.module.variants.is_set("cgpaddr_bare", "refused"):
        raise PlainError
    return lines(*(_address(call, context) for context in call.module.packet.all()))


def _some_addresses(call: Call) -> Answer:
    call.arguments.limit(at_most=LAST_CID)
    if not call.arguments.has(0):
        return _all_addresses(call)
    return lines(*(_address(call, _context(call, index)) for index in range(len(call.arguments))))


def _configuration(call: Call) -> Answer:
    addresses = [_uncompressed(address) for address in call.module.packet.default.addresses]
    if call.module.variants.is_set("ipconfig", "interfaces"):
        addresses = sorted(addresses, key=lambda address: "." in address)
        links = [IPv6Address(_LINK_LOCAL | int(IPv6Address(each)) & _OWN_PART) for each in addresses if ":" in each]
        addresses = [*map(_uncompressed, links), *addresses, "127.0.0.1"]
    return lines(*(f"+IPCONFIG: {address}" for address in dict.fromkeys(addresses)))


def _dynamic(call: Call, context: Context) -> tuple[str, ...]:
    """Return a line for each address, or one without."""
    if not context.active:
        return ()
    f = call.module.facts
    head = f'+CGCONTRDP: {context.cid},{f.bearer},"{context.apn}"'
    gateway = f'"{f.gateway}"' if f.gateway else ""
    servers = {
        4: f'{gateway},"{f.dns1}","{f.dns2}"',
        6: "," + ",".join(_server(call, text) for text in f.dns6.split(",")),
    }
    shown = [(f',"{_shown(call, _told(call, each), f.mask)}"', each.version) for each in context.addresses]
    match call.module.variants["cgcontrdp_tail"]:
        case "none":
            return tuple(head + address for address, _ in shown or (("", 4),))
        case "space":
            return tuple(f"{head}{address} " for address, _ in shown or (("", 4),))
        case _:
            return tuple(f"{head}{address},{servers[kind]},,,,,{f.mtu}" for address, kind in shown or ((",", 4),))


def _server(call: Call, text: str) -> str:
    return f'"{_shown(call, IPv6Address(text))}"'


def _all_dynamic(call: Call) -> Answer:
    return lines(*(line for context in call.module.packet.all() for line in _dynamic(call, context)))


def _one_dynamic(call: Call) -> Answer:
    call.arguments.limit(at_most=1)
    if not call.arguments.has(0):
        return _all_dynamic(call)
    return lines(*_dynamic(call, _context(call, 0)))


def _test_dynamic(call: Call) -> Answer:
    active = [str(context.cid) for context in call.module.packet.all() if context.active]
    return lines(f"+CGCONTRDP: ({','.join(active)})") if active else OK


def _test_addresses(call: Call) -> Answer:
    cids = [str(context.cid) for context in call.module.packet.all()]
    return lines(f"+CGPADDR: ({','.join(cids)})")


def _authentication(context: Context) -> str:
    protocol, user, password = context.auth
    return f'+CGAUTH: {context.cid},{protocol},"{user}","{password}"'


def _read_authentication(call: Call) -> Answer:
    return lines(*(_authentication(context) for context in call.module.packet.all() if context.auth[0]))


def _write_authentication(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=4)
    context = _context(call, 0)
    if len(call.arguments) == 1:
        return lines(_authentication(context))
    protocol = call.arguments.integer(1, 0, 1)
    context.auth = (protocol, call.arguments.text(2, "", longest=64), call.arguments.text(3, "", longest=64))
    return OK


def _read_events(call: Call) -> Answer:
    return lines(f"+CGEREP: {call.module.profile.number('CGEREP')},0")


def _write_events(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    call.arguments.integer(1, 0, 0, default=0)
    call.module.profile.set("CGEREP", call.arguments.integer(0, 0, 1))
    return OK


COMMANDS: tuple[Command, ...] = (
    Command("+CGACT", test="+CGACT: (0-1)", read=_read_activation, write=_activate, cme=True),
    Command(
        "+CGDCONT",
        test="\r\n".join(f'+CGDCONT: (1-15),"{kind}"{_RANGES}' for kind in _TYPES),
        read=_read_contexts,
        write=_define_context,
    ),
    Command("+CGDEL", write=_delete_context, cme=True),
    Command(
        "*MCGDEFCONT",
        test="*MCGDEFCONT: (" + ",".join(f'"{kind}"' for kind in _TYPES) + ")",
        read=_read_default,
        write=_write_default,
        cme=True,
    ),
    Command("+CGPADDR", test=_test_addresses, write=_some_addresses, execute=_all_addresses, cme=True),
    Command("+IPCONFIG", execute=_configuration),
    Command("+CGCONTRDP", test=_test_dynamic, write=_one_dynamic, execute=_all_dynamic, cme=True),
    numbers("+CGPIAF", "CGPIAF", 4, 1, test="+CGPIAF: (0,1),(0,1),(0,1),(0,1)"),
    Command(
        "+CGAUTH", test="+CGAUTH: (1-15),(0-1),,", read=_read_authentication, write=_write_authentication, cme=True
    ),
    Command("+CGEREP", test="+CGEREP: (0-1),(0)", read=_read_events, write=_write_events),
)
