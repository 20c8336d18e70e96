"""Commands that few drivers send, but some do."""

import pytest

from sim7020_emulator.emulator import Setup
from tests.emulator.bench import Bench


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["AT+CRSM=176,12258,0,0,10"], ['+CRSM: 144,0,"98681000000000000091"', "OK"]),
        (["AT+CRSM=200"], ["+CRSM: 106,130", "OK"]),
        (['AT+CSIM=14,"00A40000023F00"'], ['+CSIM: 4,"9000"', "OK"]),
        (['AT+CSIM=4,"0088"'], ['+CSIM: 4,"6D00"', "OK"]),
        (['AT+CSIM=5,"0088"'], ["ERROR"]),
        (["AT+CNUM"], ['+CNUM: "","+491700000000",145', "OK"]),
        (["AT+CGSN=0"], ["866207050000016", "OK"]),
        (['AT+CGDCONT=2,"IP","x"', "AT+CGACT=1,2", "AT+CGACT?"], ["+CGACT: 1,1", "+CGACT: 2,1", "OK"]),
        (['AT+CGDCONT=2,"IP","x"', "AT+CGDEL=2"], ["+CGDEL: 2", "OK"]),
        (['AT+CGDCONT=2,"IP","x"', "AT+CGDCONT=2", "AT+CGDCONT?"], ["OK"]),
        (['AT+CGAUTH=1,1,"u","p"', "AT+CGAUTH?"], ['+CGAUTH: 1,1,"u","p"', "OK"]),
        (["AT+SLEDS=2,10,20", "AT+SLEDS?"], ["+SLEDS: 1,64,800", "+SLEDS: 2,10,20", "+SLEDS: 3,64,300", "OK"]),
        (["AT+CADC?"], ["+CADC: 1,0", "OK"]),
        (["AT+CHOMENW?"], ["+CHOMENW: CHN-UNICOM,CHN-UNICOM,46001", "OK"]),
        (["AT*CELLLOCK=1,3734", "AT*CELLLOCK?"], ["*CELLLOCK: 1,3734", "OK"]),
        (["AT+CNWRCCFG?"], ["+CNWRCCFG: 5,10,10,1,120,7200", "OK"]),
        (["AT+CNWRCCFG=1,2,3,4,5,6", "AT+CNWRCCFG?"], ["+CNWRCCFG: 1,2,3,4,5,6", "OK"]),
        (["AT+CCIOTOPT?"], ["+CCIOTOPT: 1,1,1", "OK"]),
        (["AT+CCIOTOPT=1,3", "AT+CCIOTOPT?"], ["+CCIOTOPT: 1,3,1", "OK"]),
        (["AT+CBANDSL=1,2,8,20", "AT+CBANDSL?"], ["+CBANDSL: 1,2,8,20", "OK"]),
        (["AT+CBANDSL=0", "AT+CBANDSL?"], ["OK"]),
        (["AT&K3", "AT+IFC?"], ["+IFC: 2,2", "OK"]),
        (["AT+CDNSCFG=1.1.1.1,9.9.9.9", "AT+CDNSCFG?"], ["PrimaryDns: 1.1.1.1", "SecondaryDns: 9.9.9.9", "OK"]),
        (['AT*MEDRXCFG=1,5,"0010","0001"', "AT*MEDRXCFG?"], ['*MEDRXCFG: 5,"0010","0001"', "OK"]),
        (["AT+CENG=1", "AT+CENG?"], ["OK"]),
        (['AT+CSTT="a","b","c"', "AT+CSTT?"], ['+CSTT: "a","b","c"', "OK"]),
        (["AT+CIFSREX"], ["+CIFSREX: 10.250.0.213", "OK"]),
        (['AT+CHTTPCREATE="http://a/"', "AT+CHTTPDESTROY=0"], ["OK"]),
    ],
    ids=lambda value: value[-1] if value[-1].startswith("AT") else None,
)
async def test_answer(lines: list[str], answer: list[str]) -> None:
    """The last of the lines is answered so."""
    setup = Setup(speed=0)
    setup.facts.set("number", "+491700000000")
    async with Bench(setup) as bench:
        for line in lines[:-1]:
            await bench.ask(line)
        assert await bench.ask(lines[-1]) == answer


async def test_radio_off_ends_http() -> None:
    """An open HTTP instance is reported before the SIM is."""
    async with Bench() as bench:
        await bench.ask('AT+CHTTPCREATE="http://a/"')
        assert await bench.ask("AT+CFUN=0") == ["+CHTTPERR: 0,-1", "+CPIN: NOT READY", "OK"]


async def test_context_parameters_with_an_empty_argument() -> None:
    """The context id may be left out behind the sign, as three drivers for real modules have it."""
    async with Bench() as bench:
        assert await bench.ask("AT+CGCONTRDP=") == ['+CGCONTRDP: 1,5,"shnbiot","10.250.0.213.255.255.255.0"', "OK"]
