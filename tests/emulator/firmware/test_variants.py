"""Each switch of firmware behaviour, in each of its positions."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sim7020_emulator.emulator import Emulator, Setup
from sim7020_emulator.firmware.variants import VARIANTS
from sim7020_emulator.module.models import MODELS
from sim7020_emulator.sockets.internet import FailurePoint
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.ports import free_port


async def _dns(bench: Bench) -> object:
    bench.module.internet.names["a.example"] = ("192.0.2.1",)
    answer = await bench.ask('AT+CDNSGIP="a.example"')
    return [*answer, await bench.line()] if answer == ["OK"] else answer


async def _connected(bench: Bench) -> Peer:
    peer = await Peer("udp").open()
    await bench.ask("AT+CSOC=1,2,1")
    await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1")
    return peer


async def _largest_send(bench: Bench) -> object:
    peer = await _connected(bench)
    results = [(await bench.ask(f"AT+CSOSEND=0,{2 * size},{'00' * size}"))[0] for size in (256, 257, 512, 513)]
    peer.close()
    return results


async def _largest_data(bench: Bench) -> object:
    peer = await _connected(bench)
    results = []
    for size in (512, 768, 1000):
        bench.type(f"AT+CSODSEND=0,{size}\r".encode())
        if b"> " in await bench.until(b"\r\n") + (b"" if b"E" in bench.heard else bytes(bench.heard)):
            bench.type(b"x" * size)
            await bench.until(f"DATA ACCEPT: {size}\r\n".encode())
            results.append(size)
        bench.heard.clear()
    peer.close()
    return results


async def _failed_connection(bench: Bench) -> object:
    bench.module.internet.failures["192.0.2.1", 1] = (2, FailurePoint.CONNECT)
    await bench.ask("AT+CSOC=1,2,1")
    answer = await bench.ask("AT+CSOCON=0,1,192.0.2.1")
    return [*answer, bytes(bench.heard).decode().strip()]


async def _twelve(bench: Bench) -> object:
    bench.module.internet.failures["192.0.2.1", 1] = (12, FailurePoint.CONNECT)
    await bench.ask("AT+CSOC=1,2,1")
    await bench.ask("AT+CSOCON=0,1,192.0.2.1")
    return bytes(bench.heard).decode().strip()


async def _listening(bench: Bench) -> object:
    await bench.ask("AT+CSOC=1,1,1")
    await bench.ask(f"AT+CSOB=0,{free_port()}")
    return await bench.ask("AT+CSOLIS=0")


async def _fetched(bench: Bench) -> object:
    peer = await _connected(bench)
    await bench.ask("AT+CSORXGET=1")
    await bench.ask("AT+CSOSEND=0,2,00")
    await peer.wait_for(b"\0")
    await peer.send(b"abc")
    await bench.line()
    answer = await bench.ask("AT+CSORXGET=3,0,100")
    peer.close()
    return answer[0]


async def _boot(bench: Bench) -> object:
    bench.type(b"AT+CRESET\r")
    bench.module.schedule.timer(0.05, lambda: bench.module.emit_urc("END"))
    return (await bench.until(b"END\r\n")).decode().split("\r\n\r\n")[0].strip()


async def _raw_pin(bench: Bench) -> object:
    return await bench.command("AT+CPIN?")


async def _echo(bench: Bench) -> object:
    await bench.ask("ATE1")
    return await bench.command("AT")


async def _extra_ok(bench: Bench) -> object:
    bench.type(b"AT+CPOWD=1\r")
    await bench.until(b"DOWN\r\n")
    return bytes(bench.heard).strip()


async def _local_address(bench: Bench) -> object:
    bench.type(b"AT+CIFSR\r")
    await bench.until(b"213\r\n")
    return bytes(bench.heard).strip()


async def _before_a_cell(bench: Bench) -> object:
    bench.module.facts.set("registration", "searching")
    await bench.ask("AT+CFUN=0")
    bench.module.set_full_function()
    return (await bench.ask("AT+CSQ"))[0]


async def _address_of_ipv6(bench: Bench) -> object:
    bench.module.facts.set("address", "2001:db8::2")
    await bench.ask("AT+CGACT=0,1")
    await bench.ask("AT+CGACT=1,1")
    return (await bench.ask("AT+CGPADDR=1"))[0]


async def _denied(bench: Bench) -> object:
    await bench.ask("AT+CEREG=5")
    bench.module.change_registration("denied:8")
    await bench.line()
    return (await bench.ask("AT+CEREG?"))[0]


async def _linked(bench: Bench) -> object:
    peer = await Peer("tcp").open()
    await bench.ask("AT+CIPMUX=1;+CSTT;+CIICR")
    await bench.ask(f'AT+CIPSTART=0,"TCP","127.0.0.1",{peer.port}')
    line = await bench.line()
    peer.close()
    return line


async def _source(bench: Bench) -> object:
    peer = await Peer("tcp").open()
    await bench.ask("AT+CIPSRIP=1")
    await bench.ask(f'AT+CIPSTART="TCP","127.0.0.1",{peer.port}')
    await bench.line()
    await peer.send(b"x")
    line = await bench.line()
    peer.close()
    return line.removesuffix(str(peer.port))


async def _content(bench: Bench) -> object:
    peer = await Peer("tcp").open()
    await bench.ask(f'AT+CHTTPCREATE="http://127.0.0.1:{peer.port}/"')
    await bench.ask("AT+CHTTPCON=0")
    await bench.ask('AT+CHTTPSEND=0,0,"/"')
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no")
    await bench.until(b"Content-Length: 1\r\n")
    line = await bench.line()
    peer.close()
    return line


def _asking(line: str) -> Callable[[Bench], Awaitable[object]]:
    async def ask(bench: Bench) -> object:
        return await bench.ask(line)

    return ask


async def _signal(bench: Bench) -> object:
    bench.module.change_fact("dbm", "-90")
    return (await bench.ask("AT+CSQ"))[0]


async def _listed(bench: Bench) -> object:
    await bench.ask("AT+CSOC=1,2,1")
    return await bench.ask("AT+CSOC?")


async def _area(bench: Bench) -> object:
    await bench.ask("AT+CEREG=2")
    return await bench.ask("AT+CEREG?")


async def _to_nobody(bench: Bench) -> object:
    await bench.ask("AT+CSOC=1,2,1")
    await bench.ask(f"AT+CSOCON=0,{free_port()},127.0.0.1")
    said = []
    for _ in range(3):
        said += await bench.ask('AT+CSOSEND=0,0,"x"')
        await asyncio.sleep(0.1)
    said += bytes(bench.heard).decode().split("\r\n")
    return [line for line in said if line][:3]


_CONTEXT = '+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"'
CASES: dict[tuple[str, str], tuple[Callable[[Bench], Awaitable[object]], object]] = {
    ("dns", "urc"): (_dns, ["OK", '+CDNSGIP: 1,"a.example","192.0.2.1"']),
    ("dns", "sync"): (_dns, ["+CDNSGIP: 192.0.2.1", "OK"]),
    ("cereg_rac", "yes"): (_area, ['+CEREG: 2,1,"5B57","01A50B1A",9,"00"', "OK"]),
    ("cereg_rac", "no"): (_area, ['+CEREG: 2,1,"5B57","01A50B1A",9', "OK"]),
    ("csoc_read", "full"): (_listed, ["+CSOC: 0,1,2,1", "OK"]),
    ("csoc_read", "id"): (_listed, ["+CSOC: 0", "OK"]),
    ("csoc_protocols", "2"): (_asking("AT+CSOC=1,2,3"), ["ERROR"]),
    ("csoc_protocols", "3"): (_asking("AT+CSOC=1,2,3"), ["+CSOC: 0", "OK"]),
    ("csosend_max", "512"): (_largest_send, ["OK", "OK", "OK", "ERROR"]),
    ("csosend_max", "256"): (_largest_send, ["OK", "ERROR", "ERROR", "ERROR"]),
    ("csodsend_max", "768"): (_largest_data, [512, 768]),
    ("csodsend_max", "512"): (_largest_data, [512]),
    ("csodsend_max", "unlimited"): (_largest_data, [512, 768, 1000]),
    ("csocon_failure", "error+csoerr"): (_failed_connection, ["ERROR", "+CSOERR: 0,2"]),
    ("csocon_failure", "error"): (_failed_connection, ["ERROR", ""]),
    ("server", "no"): (_listening, ["ERROR"]),
    ("server", "yes"): (_listening, ["OK"]),
    ("csorxget_counts", "returned"): (_fetched, "+CSORXGET: 3,0,3,0"),
    ("csorxget_counts", "requested"): (_fetched, "+CSORXGET: 3,0,100,3"),
    ("csoerr_names", "manual"): (_twelve, "+CSOERR: 0,12"),
    ("csoerr_names", "note"): (_twelve, "+CSOERR: 0,5"),
    ("boot", "rdy"): (_boot, "RDY"),
    ("boot", "autobaud"): (_boot, "END"),
    ("boot", "matready"): (_boot, "*MATREADY: 1"),
    ("csq_table", "simcom"): (_signal, "+CSQ: 10,0"),
    ("csq_table", "27007"): (_signal, "+CSQ: 11,0"),
    ("csq_unknown", "99"): (_before_a_cell, "+CSQ: 99,99"),
    ("csq_unknown", "0"): (_before_a_cell, "+CSQ: 0,0"),
    ("cereg_denied", "bare"): (_denied, "+CEREG: 5,3,,,,0,8"),
    ("cereg_denied", "place"): (_denied, '+CEREG: 5,3,"5B57","01A50B1A",9,"00",0,8,,'),
    ("cscon", "no"): (_asking("AT+CSCON?"), ["ERROR"]),
    ("cscon", "yes"): (_asking("AT+CSCON?"), ["+CSCON: 0,0", "OK"]),
    ("csoc_cid", "refused"): (_asking("AT+CSOC=1,2,1,1"), ["ERROR"]),
    ("csoc_cid", "accepted"): (_asking("AT+CSOC=1,2,1,1"), ["+CSOC: 0", "OK"]),
    ("spacing", "space"): (_raw_pin, b"\r\n+CPIN: READY\r\n\r\nOK\r\n"),
    ("spacing", "none"): (_raw_pin, b"\r\n+CPIN:READY\r\n\r\nOK\r\n"),
    ("echo_quirk", "no"): (_echo, b"AT\r\r\nOK\r\n"),
    ("echo_quirk", "yes"): (_echo, b"AT\r\r\n\r\nOK\r\n"),
    ("cgcontrdp_tail", "none"): (_asking("AT+CGCONTRDP"), [_CONTEXT, "OK"]),
    ("cgcontrdp_tail", "space"): (_asking("AT+CGCONTRDP"), [_CONTEXT + " ", "OK"]),
    ("cgcontrdp_tail", "full"): (
        _asking("AT+CGCONTRDP"),
        [_CONTEXT + ',"10.250.0.1","114.114.114.114","119.29.29.29",,,,,1500', "OK"],
    ),
    ("ipconfig", "address"): (_asking("AT+IPCONFIG"), ["+IPCONFIG: 10.250.0.213", "OK"]),
    ("ipconfig", "interfaces"): (_asking("AT+IPCONFIG"), ["+IPCONFIG: 10.250.0.213", "+IPCONFIG: 127.0.0.1", "OK"]),
    ("ipv6_address", "whole"): (_address_of_ipv6, '+CGPADDR: 1,"32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.2"'),
    ("ipv6_address", "own"): (_address_of_ipv6, '+CGPADDR: 1,"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2"'),
    ("cgpaddr_bare", "answered"): (_asking("AT+CGPADDR"), ['+CGPADDR: 1,"10.250.0.213"', "OK"]),
    ("cgpaddr_bare", "refused"): (_asking("AT+CGPADDR"), ["ERROR"]),
    ("cops_format", "long"): (_asking("AT+COPS?"), ['+COPS: 0,0,"CHN-UNICOM",9', "OK"]),
    ("cops_format", "numeric"): (_asking("AT+COPS?"), ['+COPS: 0,2,"46001",9', "OK"]),
    ("unreachable_port", "silent"): (_to_nobody, ["OK", "OK", "OK"]),
    ("unreachable_port", "reset"): (_to_nobody, ["OK", "+CSOERR: 0,3", "ERROR"]),
    ("cgact_off", "ok"): (_asking("AT+CGACT=0,1"), ["OK"]),
    ("cgact_off", "no_carrier"): (_asking("AT+CGACT=0,1"), ["NO CARRIER"]),
    ("extra_ok", "no"): (_extra_ok, b""),
    ("extra_ok", "yes"): (_extra_ok, b"OK"),
    ("http_create", "chttpcreate"): (_asking('AT+CHTTPCREATE="http://a/"'), ["+CHTTPCREATE: 0", "OK"]),
    ("http_create", "chttpcreat"): (_asking('AT+CHTTPCREATE="http://a/"'), ["+CHTTPCREAT: 0", "OK"]),
    ("http_hex", "upper"): (_content, "+CHTTPNMIC: 0,0,1,1,6F"),
    ("http_hex", "lower"): (_content, "+CHTTPNMIC: 0,0,1,1,6f"),
    ("link_blank", "yes"): (_linked, "0, CONNECT OK"),
    ("link_blank", "no"): (_linked, "0,CONNECT OK"),
    ("recv_from", "bare"): (_source, "RECV FROM:127.0.0.1:"),
    ("recv_from", "plus"): (_source, "+RECV FROM:127.0.0.1:"),
    ("cifsr", "bare"): (_local_address, b""),
    ("cifsr", "prefixed"): (_local_address, b"OK"),
}

ELSEWHERE = {"csorcvflag_after_psm", "typed_ahead", "wrong_rate"}
"""Switches that the tests of sleep, of the command line and of the program turn."""


@pytest.mark.parametrize(("name", "value"), CASES)
async def test_variant(name: str, value: str) -> None:
    """The switch makes the difference that it promises."""
    play, expected = CASES[name, value]
    setup = Setup(speed=0)
    setup.variants.set(name, value)
    async with Bench(setup) as bench:
        assert await play(bench) == expected


def test_every_position_is_tested() -> None:
    """No switch and no position is left out."""
    assert {(v.name, choice) for v in VARIANTS if v.name not in ELSEWHERE for choice in v.choices} == set(CASES)


def test_model_g_learns_the_rate() -> None:
    """The G leaves the factory with auto-baud unless told a rate."""
    assert Emulator(Setup(model=MODELS["sim7020g"])).module.profile.number("IPR") == 0
    assert Emulator(Setup(model=MODELS["sim7020g"], baud=9600)).module.profile.number("IPR") == 9600
