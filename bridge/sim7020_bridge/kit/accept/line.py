"""Checks that cost nothing: who the module is, and how it words its answers."""

import re

from sim7020_bridge.kit.accept.bench import Amiss, Bench
from sim7020_bridge.kit.probe.finding import Status
from sim7020_bridge.modem.readings import read_identity

_TYPED_AHEAD = 2.0
"""Seconds for a second answer."""
_FIELDS = 4
"""Of +CGCONTRDP as most firmware has it: context, bearer, APN, address."""


async def identity(bench: Bench) -> str:
    """Who made it, which one it is, and its firmware."""
    await read_identity(bench.module)
    found = bench.module.store.state.identity
    if found.model is None:
        raise Amiss("it does not say what it is")
    if named := re.search("SIM7020[CEG]", found.model.upper()):
        bench.given["model"] = named[0].lower()
    build = re.match(rf"(\w+)V\d+{re.escape(found.model)}", found.firmware or "")
    if build is not None:
        bench.given["set firmware"] = build[1]
    return f"{found.model} by {found.manufacturer or 'an unknown maker'}, {found.firmware or 'firmware not told'}"


async def line(bench: Bench) -> str:
    """The blank after a colon, the echo, and whether what is typed too early is kept."""
    said = await bench.ask("AT+CSQ")
    echoed = said.has(r"AT\+CSQ\r") is not None
    if blank := said.has(r"\+CSQ:( ?)\d"):
        bench.answer("spacing", "space" if blank[1] else "none")
    try:
        await bench.ask("ATE1")
        if echo := (await bench.ask("AT+CFUN?")).has(r"AT\+CFUN\?\r((?:\r\n)+)\+CFUN"):
            bench.answer("echo_quirk", "yes" if len(echo[1]) > len("\r\n") else "no")
        await bench.ask("ATE0")
        if (await bench.ask("AT+CSQ\rAT+CFUN?")).ok:
            kept = await bench.ear.hears(r"\+CFUN: ?\d\s+OK\r\n", _TYPED_AHEAD)
            bench.answer("typed_ahead", "lost" if kept is None else "kept")
        # of what was lost a part may still be in the module's buffer
        await bench.module.channel.probe(every=0.5, within=5.0)
    finally:
        if echoed:
            await bench.put_back("the echo", "ATE1")
    return f"echo {'on' if echoed else 'off'} at the start"


async def registration(bench: Bench) -> str:
    """The forms of +CEREG and +COPS, and whether +CSCON tells of the radio connection."""
    bench.answer("cscon", (await bench.ask("AT+CSCON=?")).verdict("yes", "no"))
    operator = (await bench.ask("AT+COPS?")).has(r'\+COPS: ?\d,([02]),"')
    bench.answer("cops_format", operator and {"0": "long", "2": "numeric"}[operator[1]])
    async with bench.kept("+CEREG"):
        await bench.ask("AT+CEREG=2")
        found = (await bench.ask("AT+CEREG?")).has(r'\+CEREG: ?2,([15]),"\w*","\w*",\d+(,"\w\w")?\r')
    if found is None:
        raise Amiss("+CEREG does not tell the cell", Status.WARNING)
    bench.answer("cereg_rac", "yes" if found[2] else "no")
    bench.given["set registration"] = {"1": "home", "5": "roaming"}[found[1]]
    return ""


async def context(bench: Bench) -> str:
    """The forms of +CGPADDR, +IPCONFIG and +CGCONTRDP."""
    bare, of_one = await bench.ask("AT+CGPADDR"), await bench.ask("AT+CGPADDR=1")
    if of_one.ok:
        bench.answer("cgpaddr_bare", bare.verdict("answered", "refused"))
    if octets := of_one.has(r'"(\d+(?:\.\d+){15})"'):
        bench.answer("ipv6_address", "own" if octets[1].startswith(8 * "0.") else "whole")
    if (configuration := await bench.ask("AT+IPCONFIG")).has(r"\+IPCONFIG:"):
        bench.answer("ipconfig", "interfaces" if configuration.has(r"127\.0\.0\.1\r") else "address")
    found = (await bench.ask("AT+CGCONTRDP")).has(r"\+CGCONTRDP: ?\d([^\r\n]*)")
    if found is None:
        raise Amiss("+CGCONTRDP tells nothing", Status.WARNING)
    fields = found[1].count(",") + 1
    bench.answer("cgcontrdp_tail", "full" if fields > _FIELDS else "space" if found[1].endswith(" ") else "none")
    return f"+CGCONTRDP has {fields} fields"
