"""What survives what: reset, AT&W, ATZ, AT&F, radio off."""

from sim7020_emulator.emulator import Setup
from tests.emulator.bench import Bench


async def _reset(bench: Bench) -> None:
    bench.type(b"AT+CFUN=1,1\r")
    await bench.until(b"SMS Ready\r\n")
    await bench.ask("ATE0")


async def test_classes_of_settings() -> None:
    """A reset keeps what is saved at once, loses what is not saved, and returns the profile to what AT&W saved."""
    async with Bench(Setup(speed=0)) as bench:
        for line in ("AT+CSOSENDFLAG=1", "AT+CMEE=1", "AT&W", "AT+CMEE=2", "AT+CEREG=2", "AT+CSORXGET=1"):
            assert await bench.ask(line) == ["OK"]
        await _reset(bench)
        assert await bench.ask("AT+CSOSENDFLAG?") == ["+CSOSENDFLAG: 1", "OK"]
        assert await bench.ask("AT+CMEE?") == ["+CMEE: 1", "OK"]
        assert (await bench.ask("AT+CEREG?"))[0].startswith("+CEREG: 0,")
        assert await bench.ask("AT+CSORXGET?") == ["+CSORXGET: 0", "OK"]


async def test_echo_is_on_again_after_a_reset() -> None:
    """ATE0 is lost at a reset unless AT&W saved it."""
    async with Bench() as bench:
        bench.type(b"AT+CRESET\r")
        await bench.until(b"SMS Ready\r\n")
        assert await bench.command("ATE0&W") == b"ATE0&W\r\r\nOK\r\n"
        bench.type(b"AT+CRESET\r")
        await bench.until(b"SMS Ready\r\n")
        assert await bench.command("AT") == b"\r\nOK\r\n"


async def test_profile_commands() -> None:
    """ATZ returns to the saved profile, AT&F to the factory's."""
    async with Bench() as bench:
        await bench.ask("AT+CMEE=1;&WE0")
        await bench.ask("AT+CMEE=2")
        await bench.ask("ATZ")
        assert (await bench.ask("AT+CMEE?"))[0].endswith("+CMEE: 1")
        await bench.ask("AT&F")
        assert (await bench.ask("AT+CMEE?"))[-2].endswith("+CMEE: 0")


async def test_settings_that_wait_for_a_reboot() -> None:
    """+CURTC reads as set at once and works after the reboot."""
    async with Bench() as bench:
        await bench.ask('AT+CCLK="20/03/20,15:34:15+32"')
        await bench.ask("AT+CURTC=0")
        assert (await bench.ask("AT+CCLK?"))[0].startswith("+CCLK: 20/03/20,15:34:")
        await _reset(bench)
        assert await bench.ask("AT+CURTC?") == ["+CURTC: 0", "OK"]
        assert (await bench.ask("AT+CCLK?"))[0].startswith("+CCLK: 20/03/20,07:34:")


async def test_default_apn_waits_for_the_radio() -> None:
    """*MCGDEFCONT takes effect with +CFUN=0 and 1; PDN off and on alone keeps the old APN."""
    setup = Setup(speed=0)
    setup.facts.set("address", "10.0.0.1,10.0.0.2,10.0.0.3")
    async with Bench(setup) as bench:
        await bench.ask('AT*MCGDEFCONT="IP","3GNET"')
        await bench.ask("AT+CGACT=0,1")
        await bench.ask("AT+CGACT=1,1")
        assert await bench.ask("AT+CGCONTRDP") == ['+CGCONTRDP: 1,5,"shnbiot","10.0.0.2.255.255.255.0"', "OK"]
        await bench.ask("AT+CFUN=0")
        await bench.ask("AT+CFUN=1")
        await bench.until(b"READY\r\n")
        assert await bench.ask("AT+CGCONTRDP") == ['+CGCONTRDP: 1,5,"3GNET","10.0.0.3.255.255.255.0"', "OK"]


async def test_power_down_and_pwrkey() -> None:
    """+CPOWD=1 says so and goes silent; PWRKEY starts the module again; on a running one it turns it off."""
    async with Bench() as bench:
        bench.type(b"AT+CPOWD=1\r")
        assert await bench.line() == "NORMAL POWER DOWN"
        bench.type(b"AT\r")
        bench.module.press_pwrkey()
        assert [await bench.line() for _ in range(4)] == ["RDY", "+CFUN: 1", "+CPIN: READY", "SMS Ready"]
        bench.module.press_pwrkey()
        assert await bench.line() == "NORMAL POWER DOWN"


async def test_immediate_power_down_is_silent() -> None:
    """+CPOWD=0 prints nothing."""
    async with Bench() as bench:
        bench.type(b"AT+CPOWD=0\rAT\r")
        bench.module.schedule.timer(0.02, bench.module.press_pwrkey)
        assert await bench.line() == "RDY"


async def test_pin_logic_ends_in_puk() -> None:
    """Three wrong PINs want the PUK; the PUK with a new PIN opens the SIM."""
    setup = Setup(speed=0)
    setup.facts.set("sim", "pin")
    async with Bench(setup) as bench:
        await bench.ask("AT+CMEE=1")
        assert await bench.ask("AT+CIMI") == ["+CME ERROR: 11"]
        answers = [await bench.ask('AT+CPIN="0000"') for _ in range(4)]
        assert answers == [["+CME ERROR: 16"], ["+CME ERROR: 16"], ["+CME ERROR: 12"], ["+CME ERROR: 12"]]
        assert await bench.ask("AT+CIMI") == ["+CME ERROR: 12"]
        assert await bench.ask('AT+CPIN="11111111","5678"') == ["+CME ERROR: 16"]
        assert (await bench.ask('AT+CPINR="SIM PUK"'))[0] == '+CPINR: "SIM PUK",9,10'
        assert await bench.ask('AT+CPIN="12345678","5678"') == ["OK"]
        assert await bench.line() == "+CPIN: READY"
        assert await bench.line() == "SMS Ready"
        assert await bench.ask('AT+CPWD="SC","5678","1111"') == ["OK"]
        assert await bench.ask('AT+CLCK="SC",0,"1111"') == ["OK"]
        assert await bench.ask('AT+CLCK="SC",2') == ["+CLCK: 0", "OK"]


async def test_sim_with_the_radio_off() -> None:
    """With +CFUN=0 the SIM is powered down; without a card it is not inserted."""
    setup = Setup(speed=0)
    async with Bench(setup) as bench:
        await bench.ask("AT+CMEE=1")
        assert await bench.ask("AT+CFUN=0") == ["+CPIN: NOT READY", "OK"]
        assert await bench.ask("AT+CPIN?") == ["+CME ERROR: 772"]
        bench.module.change_sim("absent")
        assert await bench.ask("AT+CCID") == ["+CME ERROR: 10"]
