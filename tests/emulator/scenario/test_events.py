"""What each event does to power, SIM, network, sockets and port, in virtual time; and events that can't be read."""

import asyncio

import pytest

from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.scenario.events import WORDS, read_event
from tests.emulator.stage import Theatre, play

CODES = (-1, *range(1, 13))


def test_cut_supply_leaves_pwrkey_without_effect() -> None:
    """Without supply nothing starts the module; with it, it starts."""

    async def act(theatre: Theatre) -> None:
        theatre.do("power off")
        theatre.do("pwrkey")
        await asyncio.sleep(30)
        assert theatre.heard() == b""
        theatre.do("power on")
        theatre.do("power on")
        await asyncio.sleep(30)
        assert theatre.heard().count(b"RDY") == 1
        theatre.do("power cycle 5")
        await asyncio.sleep(6.9)
        assert theatre.heard() == b""
        await asyncio.sleep(10)
        assert b"RDY" in theatre.heard()

    play(act)


def test_silent_reboot_leaves_only_the_echo() -> None:
    """Nothing is said; settings are lost, so that the echo tells."""

    async def act(theatre: Theatre) -> None:
        theatre.do("reboot silent")
        await asyncio.sleep(60)
        assert theatre.heard() == b""
        assert await theatre.answers() == ["AT\r", "OK"]
        theatre.do("reboot greeting")
        await asyncio.sleep(60)
        assert theatre.heard() == b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n"

    play(act)


def test_sleep_ends_by_itself_by_pwrkey_or_by_word() -> None:
    """Asleep the module is silent; three things wake it."""

    async def act(theatre: Theatre) -> None:
        theatre.do("wake")
        for wake in ("", "pwrkey", "wake"):
            theatre.do("sleep" if wake else "sleep 40")
            assert theatre.heard() == b'\r\n+CPSMSTATUS: "ENTER PSM"\r\n'
            assert await theatre.answers(within=39) == []
            if wake:
                theatre.do(wake)
            await asyncio.sleep(2)
            assert theatre.heard() == b'\r\n+CPIN: READY\r\n\r\n+CPSMSTATUS: "EXIT PSM"\r\n'

    play(act)


@pytest.mark.parametrize(
    ("word", "said", "stays"),
    [
        ("low", b"UNDER-VOLTAGE WARNNING", True),
        ("too-low", b"UNDER-VOLTAGE POWER DOWN", False),
        ("high", b"OVER-VOLTAGE WARNNING", True),
        ("too-high", b"OVER-VOLTAGE POWER DOWN", False),
    ],
)
def test_supply_is_reported(word: str, said: bytes, *, stays: bool) -> None:
    """Warnings are said; beyond the limits the module goes off after it."""

    async def act(theatre: Theatre) -> None:
        theatre.do(f"supply {word}")
        assert said in theatre.heard()
        assert (await theatre.answers() == ["OK"]) is stays
        theatre.do(f"supply {word}")

    play(act)


def test_sim_goes_fails_and_returns() -> None:
    """Each state of the SIM is reported and answered, and a good SIM brings the network back."""

    async def act(theatre: Theatre) -> None:
        await theatre.answers("AT+CMEE=1")
        for state, report, answer in (
            ("absent", "+CPIN: NOT INSERTED", ["+CME ERROR: 10"]),
            ("failed", "+CPIN: NOT READY", ["+CME ERROR: 13"]),
            ("pin", "+CPIN: SIM PIN", ["+CPIN: SIM PIN", "OK"]),
            ("puk", "+CPIN: SIM PUK", ["+CPIN: SIM PUK", "OK"]),
        ):
            theatre.do(f"sim {state}")
            await asyncio.sleep(2)
            assert report.encode() in theatre.heard()
            assert await theatre.answers("AT+CPIN?") == answer
            theatre.do("sim ready")
            await asyncio.sleep(10)
            assert theatre.online()

    play(act)


def test_registration_is_followed_at_once() -> None:
    """The network's mind is reported, and the way back is an attach."""

    async def act(theatre: Theatre) -> None:
        await theatre.answers("AT+CEREG=3")
        for value, report in (
            ("roaming", '+CEREG: 5,"'),
            ("denied:13", "+CEREG: 3,,,,0,13"),
            ("home", "+CEREG: 2\r\n\r\n+CEREG: 1,"),
            ("searching", "+CEREG: 2"),
            ("none", "+CEREG: 0"),
        ):
            theatre.do(f"registration {value}")
            await asyncio.sleep(8)
            assert report.encode() in theatre.heard()
        theatre.do("power off")
        theatre.do("registration home")
        assert theatre.heard() == b""

    play(act)


def test_facts_count_at_the_next_attach() -> None:
    """A set fact changes nothing until the host attaches again."""

    async def act(theatre: Theatre) -> None:
        theatre.do("registration denied:11")
        theatre.do("set registration=home")
        await asyncio.sleep(600)
        assert not theatre.online()
        await theatre.answers("AT+CFUN=0")
        await theatre.answers("AT+CFUN=1", 10)
        assert theatre.online()

    play(act)


def test_signal_with_its_figures() -> None:
    """The cell's figures go with the signal; 99 leaves them empty."""

    async def act(theatre: Theatre) -> None:
        theatre.do("signal 3")
        assert await theatre.answers("AT+CSQ") == ["+CSQ: 3,0", "OK"]
        assert (theatre.module.facts.rsrp, theatre.module.facts.cell_rssi) == ("-112", "-104")
        theatre.do("signal 99")
        assert theatre.module.facts.rsrp == ""

    play(act)


def test_detach_and_back_off() -> None:
    """The module searches at once, or only when T3346 has run out."""

    async def act(theatre: Theatre) -> None:
        await theatre.answers("AT+CGEREP=1")
        theatre.do("detach")
        assert b"+CGEV: NW DETACH" in theatre.heard()
        await asyncio.sleep(7)
        assert theatre.online()
        theatre.do("back-off 60")
        await asyncio.sleep(20)
        assert await theatre.answers("AT+CTRJ?") == ["+CTRJ: 40", "OK"]
        await theatre.answers("AT+CFUN=0")
        await theatre.answers("AT+CFUN=1", 30)
        assert not theatre.online()
        await asyncio.sleep(20)
        assert theatre.online()

    play(act)


def test_pdn_is_lost() -> None:
    """The network releases the context; sockets lose their bearer."""

    async def act(theatre: Theatre) -> None:
        await theatre.answers("AT+CGEREP=1")
        await theatre.udp()
        theatre.do("pdn lost 2")
        theatre.do("pdn lost")
        assert theatre.heard() == b"\r\n+CGEV: NW PDN DEACT 1\r\n\r\n+CSOERR: 0,11\r\n"
        assert await theatre.answers("AT+CGACT=1,1") == ["OK", "+CGEV: ME PDN ACT 1"]

    play(act)


@pytest.mark.parametrize(("word", "code"), [("close", 4), ("reset", 3), *((str(code), code) for code in CODES)])
def test_socket_ends(word: str, code: int) -> None:
    """Each code can be had on an open socket; another id is left alone."""

    async def act(theatre: Theatre) -> None:
        await theatre.udp()
        theatre.do(f"socket {word} 1")
        assert theatre.heard() == b""
        theatre.do(f"socket {word}")
        assert theatre.heard() == f"\r\n+CSOERR: 0,{code}\r\n".encode()

    play(act)


def test_sockets_end_and_links_with_them() -> None:
    """Links of the SIM800-compatible stack have no id: they end when no id is given, and are opened again."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.peer("tcp")
        for _ in range(2):
            opened = await theatre.answers(f'AT+CIPSTART="TCP","127.0.0.1",{peer.port}', within=5)
            assert opened == ["OK", "CONNECT OK"]
            theatre.do("socket close 0")
            assert theatre.heard() == b""
            theatre.do("socket close")
            assert theatre.heard() == b"\r\nCLOSED\r\n"

    play(act)


def test_connections_and_sends_fail_with_each_code() -> None:
    """The next connection or send fails, the one after it does not."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.peer("udp")
        for code in CODES:
            theatre.do(f"connect-fails {code}")
            await theatre.answers("AT+CSOC=1,2,1")
            failed = await theatre.answers(f"AT+CSOCON=0,{peer.port},127.0.0.1")
            assert failed == ["ERROR", f"+CSOERR: 0,{code}"]
            await theatre.answers("AT+CSOCL=0")
            await theatre.answers("AT+CSOC=1,2,1")
            assert await theatre.answers(f"AT+CSOCON=0,{peer.port},127.0.0.1") == ["OK"]
            theatre.do(f"send-fails {code}")
            assert f"+CSOERR: 0,{code}" in await theatre.answers('AT+CSOSEND=0,2,"41"')
            await theatre.answers("AT+CSOCL=0")

    play(act)


def test_datagrams_are_lost() -> None:
    """All are lost at 100 %, none when it is over."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.udp()
        theatre.do("loss 100 60")
        assert await theatre.answers('AT+CSOSEND=0,2,"41"', 30) == ["OK"]
        await asyncio.sleep(31)
        assert await theatre.answers('AT+CSOSEND=0,2,"42"', 30) == ["OK"]
        assert peer.datagrams == [b"B"]
        assert [text for _, text in theatre.log if text.startswith("lost")] == ["lost up: 29 bytes"]

    play(act)


def test_datagram_under_way_is_lost_with_its_network() -> None:
    """What the module has not sent yet when it is detached is told as lost."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.udp()
        theatre.bench.type(b'AT+CSOSEND=0,2,"41"\r')
        await asyncio.sleep(0.1)
        theatre.do("detach")
        await asyncio.sleep(30)
        assert peer.datagrams == []
        assert [text for _, text in theatre.log if text.startswith("lost")] == ["lost up: 29 bytes"]

    play(act)


def test_without_coverage_datagrams_are_lost_and_streams_wait() -> None:
    """A stream's bytes arrive when the network is back, a datagram's never."""

    async def act(theatre: Theatre) -> None:
        stream = await theatre.tcp()
        theatre.do("registration searching")
        assert await theatre.answers('AT+CSOSEND=0,2,"41"', 30) == ["OK"]
        await stream.send(b"down")
        await asyncio.sleep(30)
        assert bytes(stream.received) + theatre.heard() == b""
        theatre.do("registration home")
        await asyncio.sleep(20)
        assert stream.received == b"A"
        assert b"+CSONMI: 0,8,646F776E" in theatre.heard()
        theatre.do("registration searching")
        await theatre.answers("AT+CSOC=1,1,1")
        refused = await theatre.answers(f"AT+CSOCON=1,{stream.port},127.0.0.1", 90)
        assert refused == ["ERROR", "+CSOERR: 1,2"]

    play(act)


def test_radio_off_without_coverage_ends_the_session() -> None:
    """A module that searches has its context until its radio goes off, and comes back with another."""

    async def act(theatre: Theatre) -> None:
        theatre.do("registration searching")
        assert "+CGACT: 1,1" in await theatre.answers("AT+CGACT?")
        await theatre.answers("AT+CFUN=0", 30)
        assert not [line for line in await theatre.answers("AT+CGACT?") if line.endswith(",1")]
        before = theatre.module.packet.activations
        await theatre.answers("AT+CFUN=1", 30)
        theatre.do("registration home")
        await asyncio.sleep(60)
        assert "+CGACT: 1,1" in await theatre.answers("AT+CGACT?")
        assert theatre.module.packet.activations == before + 1

    play(act)


def test_facts_settings_and_variants_change() -> None:
    """Each kind of value can be changed while the module runs."""

    async def act(theatre: Theatre) -> None:
        theatre.do("set voltage=2900")
        theatre.do("setting CMEE=2")
        theatre.do("setting CSCS=GSM")
        theatre.do("variant spacing=none")
        theatre.do("rate 9600")
        theatre.do("note 'nothing at all'")
        assert await theatre.answers("AT+CBC;+CMEE?;+CSCS?;+IPR?") == [
            "+CBC:88,2900",
            "+CMEE:2",
            '+CSCS:"GSM"',
            "+IPR:9600",
            "OK",
        ]
        assert theatre.bench.emulator.rate == 9600

    play(act)


def test_port_is_closed_opened_and_moved() -> None:
    """The port is closed for a time, opened, or moved."""

    async def act(theatre: Theatre) -> None:
        theatre.do("port close 10")
        await asyncio.sleep(9.9)
        assert theatre.port.done == ["close"]
        await asyncio.sleep(0.2)
        for what in ("move", "close", "open"):
            theatre.do(f"port {what}")
            await asyncio.sleep(0.1)
        assert theatre.port.done == ["close", "open", "move", "close", "close", "open"]
        theatre.target.port = None
        theatre.do("port move")
        await asyncio.sleep(0.1)
        assert theatre.log[-1][1] == "the port is not ours to close"

    play(act)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the event is missing; it is one of pwrkey, power"),
        ("explode", "the event can't be 'explode'; it is one of pwrkey, power"),
        ("deaf soon", "SECONDS can't be 'soon'; it is a number of seconds, 0 or more (usage: deaf [SECONDS])"),
        ("deaf -1", "SECONDS can't be '-1'"),
        ("deaf nan", "SECONDS can't be 'nan'"),
        ("deaf inf", "SECONDS can't be 'inf'"),
        ("deaf 1 2", "nothing may follow, but '2' does"),
        ("power", "the power is missing; it is one of off, on, cycle"),
        ("sim lost", "the SIM can't be 'lost'; it is one of ready, pin, puk, absent, failed"),
        ("registration happy", "registration can't be 'happy'"),
        ("signal 40", "rssi can't be '40'"),
        ("socket 13", "the end can't be '13'; it is one of close, reset, -1, 1"),
        ("socket 3 5", "ID can't be '5'; it is a number from 0 to 4"),
        ("connect-fails x", "CODE can't be 'x'"),
        ("refuse AT 1234", "CODE can't be '1234'; it is one of ERROR, 3"),
        ("withhold AT often", "TIMES can't be 'often'; it is a number from 1"),
        ("withhold", "PATTERN is missing"),
        ("rate 1234", "BAUD can't be '1234'; it is one of 110"),
        ("set mood=good", "unknown fact 'mood'"),
        ("set mood", "the fact can't be 'mood'; it is NAME=VALUE"),
        ("setting MOOD=1", "the setting can't be 'MOOD'; it is one of E, L"),
        ("setting E=loud", "the setting E can't be 'loud'; it is a number"),
        ("variant dns=maybe", "variant dns can't be 'maybe'"),
        ("urc 'open", "can't read \"urc 'open\": No closing quotation"),
    ],
)
def test_mistakes(text: str, words: str) -> None:
    """Each mistake is one line that says what is allowed."""
    with pytest.raises(Mistake) as raised:
        read_event(text)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_words_are_told_apart_by_their_first() -> None:
    """No two events begin alike, and each says in a line what it does."""
    names = [word.name for word in WORDS]
    assert len(set(names)) == len(names)
    assert all(word.meaning and "\n" not in word.meaning for word in WORDS)


def test_all_is_swallowed() -> None:
    """A connection gets no answer for 75 s, streams wait, datagrams are lost; then all goes on."""

    async def act(theatre: Theatre) -> None:
        stream = await theatre.tcp()
        theatre.do("swallow 200")
        assert await theatre.answers('AT+CSOSEND=0,2,"41"') == ["OK"]
        await theatre.answers("AT+CSOC=1,1,1")
        assert await theatre.answers(f"AT+CSOCON=1,{stream.port},127.0.0.1", 75) == []
        assert await theatre.answers("", 2) == ["ERROR", "+CSOERR: 1,2"]
        assert stream.received == b""
        await asyncio.sleep(130)
        assert stream.received == b"A"
        theatre.do("swallow")
        theatre.do("swallow 0")
        await theatre.answers("AT+CSOC=1,1,1")
        assert await theatre.answers(f"AT+CSOCON=2,{stream.port},127.0.0.1", 5) == ["OK"]

    play(act)


def test_saved_settings_outlast_a_restart() -> None:
    """What an earlier owner saved comes back with each start."""

    async def act(theatre: Theatre) -> None:
        for text in ("setting E=0", "setting CREG=2", "save", "setting CMEE=1", "reboot silent"):
            theatre.do(text)
        await asyncio.sleep(20)
        assert await theatre.answers("AT+CREG?;+CMEE?") == ['+CREG: 2,1,"5B57","01A50B1A",9', "+CMEE: 0", "OK"]

    play(act)


def test_port_slams() -> None:
    """For its time whoever opens the port hears a word and is hung up on."""

    async def act(theatre: Theatre) -> None:
        theatre.do("slam 10 'Port already in use'")
        await asyncio.sleep(9)
        assert (theatre.port.done, theatre.port.slams) == (["move"], b"Port already in use\r\n")
        await asyncio.sleep(2)
        assert theatre.port.slams is None
        theatre.do("slam 10")
        await asyncio.sleep(1)
        assert theatre.port.slams == b""

    play(act)
