"""What each event does to the dialogue on the AT port, in virtual time."""

import asyncio

import pytest

from sim7020_emulator.at.results import Cme
from sim7020_emulator.module.power import Power
from tests.emulator.stage import Theatre, play


def test_deaf_hears_and_says_nothing_for_its_time() -> None:
    """A deaf module neither echoes nor answers nor reports, and loses what it was told."""

    async def act(theatre: Theatre) -> None:
        theatre.module.profile.set("E", 1)
        theatre.do("deaf 30")
        theatre.module.emit_urc("+X: 1")
        assert await theatre.answers("AT+CMEE=2", 29) == []
        await asyncio.sleep(1.1)
        assert await theatre.answers("AT+CMEE?") == ["AT+CMEE?\r", "+CMEE: 0", "OK"]
        assert theatre.faults == [(0.0, "deaf 30"), (30.0, "end of deaf")]

    play(act)


@pytest.mark.parametrize("end", ["power cycle 1", "reboot", "mend"])
def test_deafness_without_a_time_ends_with_the_power(end: str) -> None:
    """What has hung stays so until the module restarts."""

    async def act(theatre: Theatre) -> None:
        theatre.do("deaf")
        assert await theatre.answers(within=3600) == []
        theatre.do(end)
        await asyncio.sleep(10)
        assert (await theatre.answers())[-1] == "OK"

    play(act)


def test_pwrkey_ends_deafness() -> None:
    """A hung module is turned off by PWRKEY and started by the next press."""

    async def act(theatre: Theatre) -> None:
        theatre.do("deaf")
        theatre.do("pwrkey")
        assert theatre.module.power is Power.OFF
        theatre.do("pwrkey")
        await asyncio.sleep(5)
        assert b"RDY" in theatre.heard()

    play(act)


def test_mute_obeys() -> None:
    """A mute module carries commands out."""

    async def act(theatre: Theatre) -> None:
        theatre.do("mute 5")
        assert await theatre.answers("AT+CMEE=1", 6) == []
        assert await theatre.answers("AT+CMEE?") == ["+CMEE: 1", "OK"]
        assert ("<", "OK") not in theatre.bench.traced[:1]

    play(act)


def test_stuck_echo_sends_back_and_does_nothing() -> None:
    """Every byte comes back; no command is carried out."""

    async def act(theatre: Theatre) -> None:
        theatre.do("stuck-echo 5")
        assert await theatre.answers("AT+CMEE=1", 6) == ["AT+CMEE=1\r"]
        assert await theatre.answers("AT+CMEE?") == ["+CMEE: 0", "OK"]

    play(act)


def test_slow_answers_come_late() -> None:
    """Each answer is late by as much, until the time is over; what was typed meanwhile is answered after it."""

    async def act(theatre: Theatre) -> None:
        theatre.do("slow 3 20")
        assert await theatre.answers(within=2.9) == []
        assert await theatre.answers(within=4) == ["OK", "OK"]
        await asyncio.sleep(20)
        assert await theatre.answers(within=0.1) == ["OK"]

    play(act)


def test_late_is_for_matching_lines() -> None:
    """Only what matches is late, and only so often."""

    async def act(theatre: Theatre) -> None:
        theatre.do('late "at+csq*" 40 1')
        assert await theatre.answers("AT") == ["OK"]
        assert await theatre.answers("AT+CSQ", 39) == []
        assert await theatre.answers("", 2) == ["+CSQ: 20,0", "OK"]
        assert await theatre.answers("AT+CSQ") == ["+CSQ: 20,0", "OK"]

    play(act)


def test_noise_changes_bytes_both_ways() -> None:
    """With every byte changed nothing is understood, until it is mended."""

    async def act(theatre: Theatre) -> None:
        theatre.do("noise 100 30")
        assert "OK" not in await theatre.answers()
        theatre.do("reboot")
        await asyncio.sleep(10)
        assert b"RDY" not in theatre.heard()
        await asyncio.sleep(30)
        assert (await theatre.answers("\rAT"))[-1] == "OK"

    play(act)


def test_garbage_is_said() -> None:
    """So many bytes, and the module goes on."""

    async def act(theatre: Theatre) -> None:
        theatre.do("garbage 300")
        assert len(theatre.heard()) == 300
        assert await theatre.answers() == ["OK"]

    play(act)


def test_answers_withheld_and_without_final() -> None:
    """Withheld is all of an answer; without its final result the information comes; both carry out."""

    async def act(theatre: Theatre) -> None:
        theatre.do("withhold AT+CMEE* 1")
        theatre.do("no-final AT+CSQ 1")
        assert await theatre.answers("AT+CMEE=1") == []
        assert await theatre.answers("AT+CSQ") == ["+CSQ: 20,0"]
        assert await theatre.answers("AT+CMEE?;+CSQ") == ["+CMEE: 1", "+CSQ: 20,0", "OK"]
        await theatre.udp()
        theatre.do("withhold AT+CSODSEND*")
        assert await theatre.answers("AT+CSODSEND=0,2") == []
        assert await theatre.answers("A") == []
        theatre.do("mend")
        assert await theatre.answers() == ["OK"]

    play(act)


def test_refusal_with_each_code() -> None:
    """A refusal is ERROR, or each +CME ERROR that there is."""

    async def act(theatre: Theatre) -> None:
        theatre.do("refuse AT+CSQ* ERROR 1")
        assert await theatre.answers("AT+CSQ") == ["ERROR"]
        await theatre.answers("AT+CMEE=1")
        for code in Cme:
            theatre.do(f"refuse AT+CGACT=1* {int(code)} 1")
            assert await theatre.answers("AT+CGACT=1,1") == [f"+CME ERROR: {int(code)}"]
        assert await theatre.answers("AT+CGACT=1,1") == ["OK"]

    play(act)


def test_unsolicited_lines() -> None:
    """One line so many times, or a storm of them at its rate."""

    async def act(theatre: Theatre) -> None:
        theatre.do('urc "+XYZ: 1,2" 2')
        assert theatre.heard() == b"\r\n+XYZ: 1,2\r\n" * 2
        theatre.do("storm 10 20")
        await asyncio.sleep(5)
        assert 95 <= theatre.heard().count(b"+CSQN: ") <= 105
        await asyncio.sleep(20)
        assert 95 <= theatre.heard().count(b"+CSQN: ") <= 105

    play(act)


def test_lag_lets_the_line_run_on() -> None:
    """What is said arrives late and in order while the module goes on; its restart does not end that."""

    async def act(theatre: Theatre) -> None:
        theatre.do("lag 6 30")
        assert await theatre.answers("AT+CSQ", 3) == []
        assert await theatre.answers("AT+CBC", 2.9) == []
        assert await theatre.answers("AT", 2) == ["+CSQ: 20,0", "OK"]
        assert await theatre.answers("", 5) == ["+CBC: 88,3418", "OK", "OK"]
        theatre.do("reboot silent")
        await asyncio.sleep(5)
        assert await theatre.answers("ATE0", 5.9) == []
        await asyncio.sleep(10)
        theatre.heard()
        assert await theatre.answers("AT", 0.5) == ["OK"]

    play(act)


def test_a_byte_of_some_lines_is_spoilt() -> None:
    """One line in so many has one byte changed, which the trace has in hex; a restart changes nothing of it."""

    async def act(theatre: Theatre) -> None:
        sound = b"\r\n+CSQ: 20,0\r\n\r\nOK\r\n"
        theatre.do("spoil 1")
        assert [len(await theatre.bytes_of("AT+CSQ")) for _ in range(20)] == 20 * [len(sound)]
        theatre.do("spoil 20 4000")
        wrong = 0
        for _ in range(1000):
            said = await theatre.bytes_of("AT+CSQ")
            differences = sum(a != b for a, b in zip(said, sound, strict=True))
            assert differences <= 2, "two lines are said"
            wrong += differences
        assert 70 < wrong < 130
        notes = [text for direction, text in theatre.bench.traced if direction == "#"]
        assert len(notes) == 40 + wrong
        assert all(text.startswith("spoilt: ") for text in notes)
        theatre.do("spoil 1")
        theatre.do("spoil 0")
        assert await theatre.bytes_of("AT+CSQ") == sound

    play(act)


def test_lines_are_replaced_or_misspelt_by_name() -> None:
    """A line of an answer, a report or a result is another, has one wrong character, or does not come."""

    async def act(theatre: Theatre) -> None:
        theatre.do('replace "+csq: *" "+CSQ: 199,99" 1')
        theatre.do('replace OK "+CME ERROR: 14" 1')
        assert await theatre.answers("AT+CSQ") == ["+CSQ: 199,99", "+CME ERROR: 14"]
        theatre.do('replace "+CPIN: READY" ""')
        assert await theatre.answers("AT+CPIN?") == ["OK"]
        theatre.do("misspell *PSM* 1")
        theatre.do("sleep 5")
        said = theatre.heard().decode("latin-1")
        assert sum(a != b for a, b in zip(said, '\r\n+CPSMSTATUS: "ENTER PSM"\r\n', strict=True)) == 1
        await asyncio.sleep(10)
        assert theatre.heard() == b'\r\n+CPSMSTATUS: "EXIT PSM"\r\n'
        theatre.do("mend")
        await theatre.answers("ATE0")
        assert await theatre.answers("AT+CPIN?") == ["+CPIN: READY", "OK"]
        assert ("#", "instead of +CSQ: 20,0") in theatre.bench.traced

    play(act)
