"""Checks of the module's other stacks, which the bridge leaves alone: how they word what they say."""

from typing import Final

from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.quoting import quoted
from sim7020_bridge.kit.accept.bench import Amiss, Bench, Typed
from sim7020_bridge.kit.accept.life import context_again
from sim7020_bridge.kit.probe.finding import Status

_BARE: Final = 3.0
"""Seconds after which an answer without a final result counts as complete."""
_CONNECTED: Final = 120.0
_BROUGHT_UP: Final = 85.0
_SHUT: Final = 65.0
_BACK: Final = 30.0
_FEW: Final = b"0123456789"


async def at_rest(bench: Bench) -> str:
    """What differs before anything is sent."""
    address = await bench.ask("AT+CIFSR", _BARE)
    if address.has(r"\+CIFSR: ?[\d.]+\s+OK"):
        bench.answer("cifsr", "prefixed")
    elif not address.ok and not address.refused and address.has(r"\n\d+\.\d+\.\d+\.\d+\r"):
        bench.answer("cifsr", "bare")
    created = (await bench.ask('AT+CHTTPCREATE="http://192.0.2.1/"')).has(r"\+(CHTTPCREATE?): ?(\d)")
    if created is not None:
        bench.answer("http_create", created[1].lower())
        await bench.put_back("the HTTP client", f"AT+CHTTPDESTROY={created[2]}")
    return ""


async def page(bench: Bench) -> str:
    """The digits of a page."""
    created = (await bench.ask(f'AT+CHTTPCREATE="http://{bench.host}/"')).has(r"\+CHTTPCREATE?: ?(\d)")
    if created is None:
        raise Amiss("there is no HTTP client", Status.WARNING)
    try:
        if not (await bench.ask(f"AT+CHTTPCON={created[1]}", _CONNECTED)).ok:
            raise Amiss(f"it does not connect to {bench.host}", Status.WARNING)
        await bench.ask(f'AT+CHTTPSEND={created[1]},0,"/"')
        letter = await bench.ear.hears(r"\+CHTTPNMIC: ?\d,\d,\d+,\d+,\d*([A-Fa-f])", _BACK)
        bench.answer("http_hex", letter and ("upper" if letter[1].isupper() else "lower"))
        await bench.ask(f"AT+CHTTPDISCON={created[1]}")
    finally:
        await bench.put_back("the HTTP client", f"AT+CHTTPDESTROY={created[1]}")
    return "a page came" if letter else "no page came"


async def links(bench: Bench) -> str:
    """What the SIM800-compatible stack says of one link, and of one of several."""
    address, port = await bench.echo()
    async with bench.kept("+CIPMUX", "+CIPSRIP"):
        try:
            await _bring_up(bench, "AT+CIPMUX=0", "AT+CIPSRIP=1")
            await bench.ask(f'AT+CIPSTART="UDP",{quoted(address)},{port}')
            if await bench.ear.hears("CONNECT OK", _CONNECTED):
                await bench.module.execute(Typed(f"AT+CIPSEND={len(_FEW)}", 10.0, Outcome.PROMPT))
                bench.ear.forget()
                bench.ear.write(_FEW)
                source = await bench.ear.hears(r"(\+?)RECV FROM", _BACK)
                bench.answer("recv_from", source and ("plus" if source[1] else "bare"))
            await _shut(bench)
            await _bring_up(bench, "AT+CIPMUX=1")
            await bench.ask(f'AT+CIPSTART=0,"UDP",{quoted(address)},{port}')
            connected = await bench.ear.hears("0,( ?)CONNECT", _CONNECTED)
            bench.answer("link_blank", connected and ("yes" if connected[1] else "no"))
        finally:
            await _shut(bench)
    await context_again(bench)
    return ""


async def _bring_up(bench: Bench, *settings: str) -> None:
    apn = bench.module.store.state.pdn.apn
    start = f"AT+CSTT={quoted(apn)}" if apn else "AT+CSTT"
    for line in (*settings, start, "AT+CIICR"):
        if not (await bench.ask(line, _BROUGHT_UP)).ok:
            raise Amiss(f"the stack does not take {line.partition('=')[0]}", Status.WARNING)
    await bench.ask("AT+CIFSR", _BARE)


async def _shut(bench: Bench) -> None:
    # SHUT OK is no final result; a channel that waits for one would ask again too early
    bench.ear.forget()
    bench.ear.write(b"AT+CIPSHUT\r")
    await bench.ear.hears("SHUT OK|ERROR", _SHUT)
