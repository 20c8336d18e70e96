"""Scenario files: how they are read, when their events happen, and those that come with the emulator."""

import asyncio
import re
from pathlib import Path

import pytest

from sim7020_emulator.__main__ import main
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.options import read_options
from sim7020_emulator.scenario.events import WORDS
from sim7020_emulator.scenario.file import When, find_scenario, read_scenario, shipped_names
from sim7020_emulator.scenario.random_life import TROUBLES, RandomLife
from tests.emulator.stage import Theatre, play

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text(encoding="utf-8")


def _events(text: str) -> str:
    return f'description = "a test"\n{text}'


def _step(*lines: str) -> str:
    return _events("[[event]]\n" + "\n".join(lines))


async def _host(theatre: Theatre, port: int, awaited: set[str], commands: list[str]) -> None:
    """Do what hosts do, and say what is waited for, until all has happened or a quarter of an hour is over."""
    while asyncio.get_running_loop().time() < 900 and not awaited <= {text for _, text in theatre.faults}:
        for line in (
            "AT+CSQ",
            "AT+CGACT=1,1",
            "AT+CSOC=1,2,1",
            f"AT+CSOCON=0,{port},127.0.0.1",
            'AT+CSOSEND=0,2,"41"',
            "AT+CGCONTRDP",
            *commands,
        ):
            await theatre.answers(line, 5)
        if theatre.module.packet.online:
            await theatre.answers("AT", 20)
        await theatre.answers("AT+CSOCL=0", 1)


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_scenario_plays(name: str) -> None:
    """Each is read, is told in one line, and everything in it happens without an error of the emulator."""
    scenario = find_scenario(name)
    assert 10 < len(scenario.description) <= 140
    assert not scenario.description.endswith(".")

    awaited = {event.text for step in scenario.steps for event in step.events}

    async def act(theatre: Theatre) -> None:
        peer = await theatre.peer("udp")
        commands = [step.command.replace("*", "") for step in scenario.steps if step.command]
        await _host(theatre, peer.port, awaited, commands)
        await theatre.answers()

    theatre = play(act, scenario, attached=False, grace=0.0005)
    assert awaited <= {text for _, text in theatre.faults}


@pytest.mark.parametrize(
    "name",
    [name for name in shipped_names() if "for-good" not in name and name not in {
        "denied-illegal-ue", "denied-plmn", "attach-withheld", "apn-unknown", "power-down",
        "sim-pin", "sim-pin-last-try", "sim-puk", "pdn-lost", "pdn-lost-often", "pdn-refused", "address-changes",
        "attach-refused", "reattach-slow", "radio-refused", "wait-absurd", "operator-deregistered",
    }],
)  # fmt: skip
def test_network_is_there_again_at_the_end(name: str) -> None:
    """What ends by itself leaves a module that is online without a host's doing."""

    async def act(theatre: Theatre) -> None:
        await asyncio.sleep(1000)
        for _ in range(60):
            if theatre.online():
                return
            await asyncio.sleep(1)
        raise AssertionError

    play(act, find_scenario(name), attached=False, grace=0)


def test_events_after_a_moment_and_again() -> None:
    """Seconds count from the moment, every from there on, times ends it."""
    scenario = read_scenario(
        _events(
            """
            [[event]]
            after = 5
            do = "note a"
            [[event]]
            when = "online"
            after = 10
            every = 30
            times = 3
            do = ["note b", "note c"]
            [[event]]
            when = "booted"
            times = "ever"
            do = "note d"
            [[event]]
            when = "booted"
            after = 100
            do = "reboot"
            """
        ),
        "x",
    )

    async def act(_: Theatre) -> None:
        await asyncio.sleep(500)

    theatre = play(act, scenario, attached=False)
    online = next(at for at, text in theatre.log if text == "event: online")
    booted = [round(at, 1) for at, text in theatre.log if text == "event: booted"]
    assert online == pytest.approx(9.5, abs=0.1)
    assert [at for at, text in theatre.faults if text == "note a"] == [5.0]
    assert [at for at, text in theatre.faults if text == "note b"] == pytest.approx([19.5, 49.5, 79.5], abs=0.1)
    assert [at for at, text in theatre.faults if text == "note c"] == pytest.approx([19.5, 49.5, 79.5], abs=0.1)
    assert [at for at, text in theatre.faults if text == "note d"] == booted == [2.0, 104.0]


def test_speed_scales_a_scenario() -> None:
    """Seconds are the module's own."""

    async def act(_: Theatre) -> None:
        await asyncio.sleep(9.5)

    theatre = play(act, read_scenario(_step("after = 50", "every = 10", 'do = "note a"'), "x"), speed=10)
    assert [at for at, _ in theatre.faults] == pytest.approx([5, 6, 7, 8, 9], abs=0.11)


def test_event_of_a_command_comes_before_it() -> None:
    """What a command sets off at once already meets that command; later it does not."""
    scenario = read_scenario(
        _events(
            """
            [[event]]
            command = "at+csq*"
            times = 2
            do = "refuse AT+CSQ* ERROR 1"
            [[event]]
            when = "command"
            command = "AT+CBC"
            after = 1
            do = "reboot"
            [[event]]
            command = "AT+GMM"
            do = "reboot silent"
            """
        ),
        "x",
    )

    async def act(theatre: Theatre) -> None:
        assert [await theatre.answers("AT+CSQ") for _ in range(3)] == [["ERROR"], ["ERROR"], ["+CSQ: 20,0", "OK"]]
        assert await theatre.answers("AT+CBC", 0.5) == ["+CBC: 88,3418", "OK"]
        await asyncio.sleep(10)
        assert b"RDY" in theatre.heard()
        assert await theatre.answers("AT+GMM", 10) == ["AT+GMM\r"]

    play(act, scenario)


def test_every_moment_is_logged() -> None:
    """Each moment of the module can be waited for, and is logged when it comes."""

    async def act(theatre: Theatre) -> None:
        peer = await theatre.peer("udp")
        await asyncio.sleep(20)
        await theatre.answers("AT+CSOC=1,2,1")
        await theatre.answers(f"AT+CSOCON=0,{peer.port},127.0.0.1")
        theatre.do("sleep 5")
        await asyncio.sleep(20)
        theatre.do("power off")

    theatre = play(act, attached=False)
    moments = [text.removeprefix("event: ") for _, text in theatre.log if text.startswith("event: ")]
    assert moments == [
        "start", "booted", "registered", "online", "connected", "asleep", "woken", "off", "offline",
    ]  # fmt: skip
    assert {*moments, "command"} == {*When}


def test_state_at_the_start_yields_to_the_command_line(tmp_path: Path) -> None:
    """A scenario's facts and variants are the module's, unless the command line has others."""
    file = tmp_path / "mine.toml"
    file.write_text(_events('[set]\nrssi = 7\nregistration_time = 2.5\n[variant]\ndns = "sync"\n'))
    setup = read_options(["--scenario", str(file)]).setup
    assert (setup.facts.rssi, setup.facts.registration_time, setup.variants["dns"]) == (7, 2.5, "sync")
    setup = read_options(["--set", "rssi=9", "--variant", "dns=urc", "--scenario", str(file)]).setup
    assert (setup.facts.rssi, setup.variants["dns"]) == (9, "urc")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("description = ", "x: not TOML: "),
        ("", "x: description is missing; it is one line of text"),
        ('description = "a\\nb"', "x: description is missing; it is one line of text"),
        (_events("mood = 1"), "x: unknown key 'mood'; known are description, set, variant, event"),
        (_events("set = 1"), "x: set can't be 1; it is a table of NAME = VALUE"),
        (_events("[set]\nrssi = [1]"), "x: set.rssi can't be [1]; it is a text or a number"),
        (_events("[set]\nrssi = true"), "x: set.rssi can't be True"),
        (_events("[set]\nrssi = 77"), "x: set.rssi: rssi can't be '77': signal as +CSQ prints it"),
        (_events("[set]\nmood = 1"), "x: set.mood: unknown fact 'mood'; known are imei"),
        (_events('[variant]\ndns = "no"'), "x: variant.dns: variant dns can't be 'no'; it is one of urc, sync"),
        (_events('event = "deaf"'), "x: event can't be one table; write [[event]] for each"),
        (_events("[event]\n"), "x: event can't be one table"),
        (_events("event = [1]"), "x: event 1 is not a table"),
        (_step('at = 3\ndo = "deaf"'), "x: event 1: unknown key 'at'; known are when, command, after, every, times"),
        (_step("after = 3"), "x: event 1: do can't be None; it is an event or a list of events"),
        (_step("do = []"), "x: event 1: do can't be []"),
        (_step("do = [1]"), "x: event 1: do can't be [1]"),
        (_step('do = "explode"'), "x: event 1: do: the event can't be 'explode'; it is one of pwrkey, power"),
        (_step('do = ["deaf", "deaf x"]'), "x: event 1: do: 'deaf x': SECONDS can't be 'x'; it is a number"),
        (_step('when = "noon"', 'do = "deaf"'), "x: event 1: when can't be 'noon'; it is one of start, booted"),
        (_step('when = "command"', 'do = "deaf"'), "x: event 1: command goes with when = 'command'"),
        (_step('when = "online"', 'command = "AT"', 'do = "deaf"'), "x: event 1: command goes with when"),
        (_step('command = ""', 'do = "deaf"'), "x: event 1: command can't be ''; it is a pattern"),
        (_step('after = "1"', 'do = "deaf"'), "x: event 1: after can't be '1'; it is a number of seconds, 0 or more"),
        (_step("after = -1", 'do = "deaf"'), "x: event 1: after can't be -1"),
        (_step("after = nan", 'do = "deaf"'), "x: event 1: after can't be nan"),
        (_step("after = true", 'do = "deaf"'), "x: event 1: after can't be True"),
        (_step("every = 0", 'do = "deaf"'), "x: event 1: every can't be 0; it is a number of seconds, 0.001 or more"),
        (_step("times = 0", 'do = "deaf"'), "x: event 1: times can't be 0; it is a number from 1, or 'ever'"),
        (_step('times = "often"', 'do = "deaf"'), "x: event 1: times can't be 'often'"),
    ],
)  # fmt: skip
def test_mistakes_in_a_file(text: str, words: str) -> None:
    """Each mistake is one line with the file, the key and what is allowed."""
    with pytest.raises(Mistake) as raised:
        read_scenario(text, "x")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "--scenario can't be 'nothing'; it is one of address-changes, "),
        ("random", "--scenario can't be 'random'; it is random:SEED"),
        ("random:x", "--scenario can't be 'random:x'; it is random:SEED"),
        ("/nowhere/a.toml", "can't read the scenario /nowhere/a.toml: No such file"),
        ("../deaf", "can't read the scenario ../deaf: No such file"),
    ],
)
def test_scenario_that_is_not_there(name: str, words: str) -> None:
    """An unknown name is told with those that are known."""
    with pytest.raises(Mistake) as raised:
        read_options(["--scenario", name])
    assert words in str(raised.value)


def test_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a mistake."""
    file = tmp_path / "a.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Mistake) as raised:
        find_scenario(str(file))
    assert str(raised.value) == f"can't read the scenario {file}: it is not text in UTF-8"


def test_malformed_file_ends_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line on standard error, exit status 2."""
    file = tmp_path / "a.toml"
    file.write_text(_step('do = "explode"'))
    monkeypatch.setattr("sys.argv", ["sim7020-emulator", "--scenario", str(file)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"sim7020-emulator: {file}: event 1: do: the event can't be 'explode'")
    assert said.count("\n") == 1


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """--scenarios prints a line for each, and there are many."""
    with pytest.raises(SystemExit) as left:
        read_options(["--scenarios"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == shipped_names()
    assert len(lines) >= 40
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_page_tells_every_event_and_scenario() -> None:
    """The page has a row for each event and each scenario, in the program's words."""
    for word in WORDS:
        usage = word.usage.replace("|", "\\|")
        assert f"| `{usage}` | {word.meaning} |" in PAGE
    for name in shipped_names():
        assert f"| `{name}` | {find_scenario(name).description} |" in PAGE
    for when in When:
        assert f"`{when}`" in PAGE


def test_page_s_example_is_a_scenario() -> None:
    """The example on the page can be played."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    scenario = read_scenario(example, "page")
    scenario.apply(Facts(), Variants())
    assert len(scenario.steps) == 4


def _lived(seed: int, seconds: float) -> list[tuple[float, str]]:
    async def act(theatre: Theatre) -> None:
        RandomLife(seed).begin(theatre.module.schedule, theatre.player)
        await asyncio.sleep(seconds)

    return play(act, grace=0).faults


def test_random_life_is_the_same_for_a_seed() -> None:
    """One seed gives one life, another seed another."""
    assert _lived(7, 7200) == _lived(7, 7200)
    assert _lived(7, 7200) != _lived(8, 7200)


def test_random_life_takes_every_fault_in_a_day() -> None:
    """A day has at least 500 faults, every one of them, and they end: the module is online at its end."""

    async def act(theatre: Theatre) -> None:
        RandomLife(1).begin(theatre.module.schedule, theatre.player)
        for _ in range(24 * 60):
            await asyncio.sleep(60)
            if not theatre.module.packet.online:
                await theatre.answers("AT+CGACT=1,1")
            theatre.heard()
        await asyncio.sleep(1)

    theatre = play(act, grace=0)
    begun = [text for _, text in theatre.faults if text in {trouble.events[0] for trouble in TROUBLES}]
    assert len(begun) >= 500
    assert set(begun) == {trouble.events[0] for trouble in TROUBLES}
    assert [text for _, text in theatre.log].count("event: online") > 100
