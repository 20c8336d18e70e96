"""Names, pings, time and registration, in virtual time where they take any."""

import asyncio

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.sockets.internet import Echo
from tests.emulator.bench import Bench
from tests.virtual_time import run


async def test_names_from_the_table_and_the_host() -> None:
    """The table goes before the host's resolver; case does not matter; a failure has its code."""
    setup = Setup(speed=0)
    setup.internet.names |= {"broker.example": ("192.0.2.1", "192.0.2.2", "192.0.2.3"), "none.example": 3}
    async with Bench(setup) as bench:
        for name, answer in (
            ("Broker.Example", '+CDNSGIP: 1,"Broker.Example","192.0.2.1","192.0.2.2"'),
            ('="Broker.Example"', '+CDNSGIP: 1,"Broker.Example","192.0.2.1","192.0.2.2"'),
            ("none.example", "+CDNSGIP: 0,3"),
            ("localhost", '+CDNSGIP: 1,"localhost","127.0.0.1"'),
            ("no_such..name", "+CDNSGIP: 0,8"),
        ):
            assert await bench.ask(f"AT+CDNSGIP={name}") == ["OK"]
            assert await bench.line() == answer


async def test_numeric_address_is_not_resolved() -> None:
    """A numeric address is ERROR."""
    async with Bench() as bench:
        assert await bench.ask('AT+CDNSGIP="8.8.8.8"') == ["ERROR"]


async def test_resolving_without_a_bearer() -> None:
    """Without a PDN the report is a network error."""
    async with Bench() as bench:
        await bench.ask("AT+CGACT=0,1")
        assert await bench.ask('AT+CDNSGIP="localhost"') == ["OK"]
        assert await bench.line() == "+CDNSGIP: 0,3"


def test_ping_takes_its_time() -> None:
    """Each echo takes its time in 100 ms; one that exceeds the timeout or is lost shows the timeout and TTL 0."""

    async def play() -> None:
        setup = Setup()
        setup.internet.pings["192.0.2.1"] = (Echo(11), Echo(None), Echo(99, 60))
        async with Bench(setup) as bench:
            loop = asyncio.get_running_loop()
            assert await bench.ask("AT+CIPPING=192.0.2.1,3,32,50") == ["OK"]
            start = loop.time()
            assert await bench.line() == "+CIPPING: 1,192.0.2.1,11,52"
            assert loop.time() - start == pytest.approx(1.1)
            assert await bench.ask("AT+CIPPING=192.0.2.1") == ["BUSY"]
            assert await bench.line() == "+CIPPING: 2,192.0.2.1,50,0"
            assert await bench.line() == "+CIPPING: 3,192.0.2.1,50,0"
            await asyncio.sleep(1)
            assert await bench.ask("AT+CIPPING?") == ["+CIPPING: 3,32,50", "OK"]
            assert await bench.ask("AT+CIPPING=127.0.0.1,1") == ["OK"]
            assert await bench.line() == "+CIPPING: 1,127.0.0.1,1,64"

    run(play())


def test_registration_takes_its_time() -> None:
    """From power on to registered the module needs its start, its SIM and the network's time."""

    async def play() -> None:
        setup = Setup()
        setup.facts.set("registration_time", "30")
        async with Bench(setup, attached=False) as bench:
            assert [await bench.line() for _ in range(4)] == ["RDY", "+CFUN: 1", "+CPIN: READY", "SMS Ready"]
            await bench.ask("ATE0")
            await bench.ask("AT+CEREG=1;+CREG=2;+CGREG=1")
            assert await bench.ask("AT+CEREG?") == ["+CEREG: 1,2", "OK"]
            assert await bench.line() == '+CREG: 1,"5B57","01A50B1A",9'
            assert await bench.line() == "+CGREG: 1"
            assert await bench.line() == "+CEREG: 1"
            assert asyncio.get_running_loop().time() == pytest.approx(33.5, abs=0.5)
            assert await bench.ask("AT+CGACT?") == ["+CGACT: 1,1", "OK"]

    run(play())


@pytest.mark.parametrize(
    ("registration", "line"),
    [("roaming", "+CEREG: 3,5"), ("denied:11", "+CEREG: 3,3,,,,0,11"), ("denied", "+CEREG: 3,3,,,,0,15")],
)
async def test_other_outcomes(registration: str, line: str) -> None:
    """Roaming and denial, the latter with its cause."""
    setup = Setup(speed=0)
    setup.facts.set("registration", registration)
    async with Bench(setup) as bench:
        await bench.ask("AT+CEREG=3")
        assert (await bench.ask("AT+CEREG?"))[0].startswith(line)


async def test_withheld_until_asked() -> None:
    """Stat 100 waits for +CGATT=1."""
    setup = Setup(speed=0)
    setup.facts.set("registration", "withheld")
    async with Bench(setup) as bench:
        assert await bench.ask("AT+CEREG?") == ["+CEREG: 0,100", "OK"]
        assert await bench.ask("AT+CREG?") == ["+CREG: 0,0", "OK"]
        await bench.ask("AT+CEREG=1")
        assert await bench.ask("AT+CGATT=1") == ["OK"]
        assert await bench.line() == "+CEREG: 2"
        assert await bench.line() == "+CEREG: 1"


async def test_detach_and_operator() -> None:
    """+CGATT=0 and +COPS=2 leave the network, +COPS=0 comes back, +COPS=3 chooses the format."""
    async with Bench() as bench:
        await bench.ask("AT+CEREG=1")
        assert await bench.ask("AT+COPS=2") == ["+CEREG: 0", "OK"]
        assert await bench.ask("AT+COPS?") == ["+COPS: 2", "OK"]
        assert await bench.ask("AT+COPS=3,2") == ["OK"]
        assert await bench.ask("AT+COPS=0") == ["OK"]
        assert [await bench.line(), await bench.line()] == ["+CEREG: 2", "+CEREG: 1"]
        assert await bench.ask("AT+COPS?") == ['+COPS: 0,2,"46001",9', "OK"]
        assert await bench.ask("AT+CGATT=0") == ["+CEREG: 0", "OK"]
        assert await bench.ask("AT+CGACT?") == ["+CGACT: 1,0", "OK"]
        assert await bench.ask("AT+CGCONTRDP") == ["OK"]


async def test_refused_apn() -> None:
    """A network that refuses the APN denies the attach."""
    setup = Setup(speed=0)
    setup.facts.set("refused_apn", "wrong")
    async with Bench(setup) as bench:
        await bench.ask("AT+CEREG=1")
        await bench.ask("AT+CFUN=0")
        await bench.ask('AT*MCGDEFCONT="IP","wrong"')
        await bench.ask("AT+CFUN=1")
        assert [await bench.line() for _ in range(3)] == ["+CPIN: READY", "+CEREG: 2", "+CEREG: 3"]


def test_back_off_delays_the_attach() -> None:
    """While T3346 runs no attach is tried; the cell is heard all the same, and its signal reported."""

    async def play() -> None:
        setup = Setup()
        setup.facts.set("t3346", "60")
        async with Bench(setup, attached=False) as bench:
            await bench.until(b"SMS Ready\r\n")
            assert await bench.ask('AT+EXUNSOL="SQ",1;+CEREG=1;+CTRJ?') == ["+CTRJ: 56", "OK"]
            assert await bench.line() == "+CSQN: 20,0"
            assert await bench.line() == "+CEREG: 2"
            assert asyncio.get_running_loop().time() == pytest.approx(60, abs=1)

    run(play())


def test_clock_runs_and_is_set() -> None:
    """The clock runs with the module's time, is set by hand, and by a time server."""

    async def play() -> None:
        setup = Setup()
        setup.facts.set("clock", "20/02/28,23:59:00+32")
        setup.facts.set("sntp_clock", "24/04/30,07:49:36+12")
        async with Bench(setup) as bench:
            await asyncio.sleep(61)
            assert (await bench.ask("AT+CCLK?"))[0].startswith("+CCLK: 20/02/29,00:00:01+32")
            assert await bench.ask('AT+CSNTPSTART="ntp.example","+12"') == ["OK"]
            assert await bench.line() == "+CSNTP: 24/04/30,07:49:36:000+12"
            assert (await bench.ask("AT+CCLK?"))[0].startswith("+CCLK: 24/04/30,07:49:36+12")
            assert await bench.ask("AT+CSNTPSTOP") == ["OK"]

    run(play())


async def test_network_time_reports() -> None:
    """+CTZR, +CTZU and +CLTS work after a reboot: report and clock follow the network."""
    setup = Setup(speed=0)
    setup.facts.set("sntp_clock", "18/06/22,09:27:49+32")
    async with Bench(setup, attached=True) as bench:
        await bench.ask("AT+CTZR=1;+CTZU=1;+CLTS=1")
        bench.type(b"AT+CRESET\r")
        await bench.until(b"SMS Ready\r\n")
        assert await bench.line() == "+CTZV: +32"
        assert await bench.line() == "+CLTS: 18/06/22,09:27:49+32"
        assert (await bench.ask("AT+CCLK?"))[-2].startswith("+CCLK: 18/06/22,09:27:")
