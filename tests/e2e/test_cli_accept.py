"""``accept`` against the emulator: what it finds is what was set, and it leaves the module as it was."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest

from sim7020_bridge.commands import clock, identity, packet, power, radio, registration, sim
from sim7020_bridge.kit.accept import bench, checks, forms, life, sockets
from sim7020_emulator.emulator import running
from sim7020_emulator.firmware.profile import SETTINGS
from sim7020_emulator.firmware.variants import VARIANTS
from sim7020_emulator.module.module import Module
from sim7020_emulator.options import read_options
from tests import transcript
from tests.bridge.command_lines import own_commands
from tests.command_line import typed
from tests.docs.pages import DOCS
from tests.e2e.line_partner import Reply, echo, line_partner, other_modem, silent
from tests.e2e.programs import Emulator
from tests.e2e.servers import TcpServer, UdpServer
from tests.e2e.terminal import Terminal
from tests.e2e.world import run
from tests.fast_time import FastLoop
from tests.ports import free_port

SPEED = 300.0
"""How many times as fast as the world's the clock of a run and its module is."""
SEEN = [variant for variant in VARIANTS if variant.name not in checks.UNSEEN]
NAMES = ("--dns", "example.com=192.0.2.7", "--ping", "192.0.2.7=3,2,2,2")
BOTH_STACKS = ("--set", "address=10.0.2.15+2001:db8:5::4")
UNTRIED = {
    identity.EchoOff: "the check of the line types it",
    identity.SetBaudRate: "it is stored, and could leave a module that nobody hears",
    sim.EnterPin: "a wrong one costs a try",
    packet.SetDefaultApn: "it is stored, and the password that was there can't be read back",
    registration.ChooseOperator: "it makes the module search, and only one that was told not to register is told it",
    power.SetEdrx: "it is stored by some firmware, and whether it was on can't be read back",
    power.SetEdrxWithWindow: "as with SetEdrx",
    radio.ReportConnection: "AT+CSCON=? says whether there is one, and most modules have none",
    clock.StartSntp: "it sets the clock, and costs data",
    clock.StopSntp: "nothing is to be stopped",
}
"""Commands of the bridge that no acceptance run sends, and why."""
FORGOTTEN = {"CPSMS_TAU", "CPSMS_ACTIVE"}
"""What a module keeps of PSM that was switched off, and does not tell."""


@dataclass(slots=True)
class Accepted:
    """How a run ended: its status, what it said and wrote, and the module before and after it."""

    status: int = -1
    said: str = ""
    text: str = ""
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    sockets: int = 0
    online: bool = False

    @property
    def given(self) -> dict[str, str]:
        """What an emulator is to be told, by name."""
        found = re.findall(r"^# given: (?:\w+ )?(\w+)=(.*)$", self.text, re.MULTILINE)
        return dict(found)

    def note(self, name: str) -> str:
        """Return the line of the report about a check."""
        return next((each for each in self.text.splitlines() if re.match(rf"# note: [-+!x] {name} ", each)), "")


def settings(module: Module) -> dict[str, str]:
    """Return all that can be set in a module."""
    return {name: str(module.profile.stored(name)) for name in SETTINGS if name not in FORGOTTEN}


@asynccontextmanager
async def module_at(link: Path, found: Accepted, *arguments: str) -> AsyncIterator[object]:
    """Run an emulated module, and look at it before and after."""
    options = ["--baud", "0", "--link", str(link), "--attached", *NAMES, *arguments]
    async with running(read_options(options)) as module:
        found.before = settings(module.target.module)
        yield module
        found.after = settings(module.target.module)
        found.sockets = len(module.target.module.sockets.all())
        found.online = module.target.module.online


async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request for a page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmild")
    writer.close()


def accepted(directory: Path, *arguments: str, module: tuple[str, ...] = (), partner: Reply | None = None) -> Accepted:
    """Try an emulated module, or whatever else is at a port, on one clock with it that is faster than the world's."""
    found = Accepted()
    link, file = directory / "module", directory / "module.at"
    number, line, web = free_port(), free_port(), free_port()

    def run_beside(run: Coroutine[Any, Any, bool]) -> bool:
        async def beside() -> bool:
            async with AsyncExitStack() as stack:
                udp, tcp = UdpServer(echo=True), TcpServer(echo=True)
                udp.port = tcp.port = number
                await stack.enter_async_context(udp)
                await stack.enter_async_context(tcp)
                await stack.enter_async_context(await asyncio.start_server(page, "127.0.0.1", web))
                there = (
                    module_at(link, found, *module, "--route", f"192.0.2.7:80=127.0.0.1:{web}")
                    if partner is None
                    else line_partner(partner, port=line)
                )
                await stack.enter_async_context(there)
                loop.run_at(SPEED)
                return await run

        loop = FastLoop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(beside())

    words = [word.replace("ECHO", f"127.0.0.1:{number}") for word in arguments]
    with patch("asyncio.run", run_beside):
        found.status, out, err = typed(
            "accept", str(link) if partner is None else f"socket://127.0.0.1:{line}", str(file), "--force", *words
        )
    found.said = out + err
    found.text = file.read_text() if file.exists() else ""
    return found


ALL = ("--yes", "--echo", "ECHO")


def test_every_variant_can_be_told_or_says_why_not() -> None:
    """A variant of the emulator is answered by a check, or stands among those that nobody can see from outside."""
    told = [name for check in checks.CHECKS for name in check.variants]
    assert len(told) == len(set(told))
    assert not set(told) & set(checks.UNSEEN)
    assert {*told, *checks.UNSEEN} == {variant.name for variant in VARIANTS}


def test_the_page_says_what_it_costs() -> None:
    """The sum of all checks is the one of the page."""
    page = (DOCS / "tested.md").read_text(encoding="utf-8")
    assert f"That is {sum(check.costs for check in checks.CHECKS) / 1000:.1f} kB in all" in page


def test_every_command_of_the_bridge_is_tried_or_says_why_not() -> None:
    """The forms that are tried are those of the bridge."""
    listed = {type(command) for command in (*forms.QUESTIONS, *forms.SETTINGS, *forms.STORED)}
    in_checks = {value for room in (bench, life, sockets) for value in vars(room).values() if isinstance(value, type)}
    through_module = {"Ping", "ResolveName"}
    tried = {each for each in own_commands() if each in listed | in_checks or each.__name__ in through_module}
    assert own_commands() - tried == set(UNTRIED)


@pytest.mark.parametrize("side", range(max(len(variant.choices) for variant in VARIANTS)))
def test_what_it_finds_is_what_was_set(tmp_path: Path, side: int) -> None:
    """Whichever firmware the module plays: the run tells, writes it down, and puts all back that it set."""
    chosen = {variant.name: variant.choices[min(side, len(variant.choices) - 1)] for variant in SEEN}
    found = accepted(
        tmp_path,
        *ALL,
        module=(*BOTH_STACKS, *(word for each in chosen.items() for word in ("--variant", "=".join(each)))),
    )
    assert {name: value for name, value in found.given.items() if name in chosen} == chosen
    assert (found.given["model"], found.given["firmware"]) == ("sim7020e", "1752B01")
    assert found.status == 0, found.said
    assert "not put back" not in found.text
    assert found.note("SEND").endswith("+CSOACK counts 10 of 10")
    assert found.before == found.after
    assert (found.sockets, found.online) == (0, True)
    like = tmp_path / "like.at"
    like.write_text(found.text)
    setup = read_options(["--like", str(like)]).setup
    assert {name: setup.variants[name] for name in chosen} == chosen


def test_the_file_is_a_masked_transcript(tmp_path: Path) -> None:
    """It is read as every transcript is, and holds nobody's identity and no payload."""
    found = accepted(tmp_path, *ALL)
    written = transcript.parse(found.text, name="acceptance")
    assert written.what.startswith("acceptance of SIM7020E by SIMCOM_Ltd, 1752B01V01SIM7020E")
    assert written.fidelity == "device"
    for secret in ("866207050000016", "460010000000001", "89860100000000000019", b"0123456789".hex(), "3031323334"):
        assert secret not in found.text
    assert "> AT+CGSN" in found.text


def test_without_a_terminal_nothing_is_spent_or_stored(tmp_path: Path) -> None:
    """What costs or stores something is left out and said so; what is free is done."""
    found = accepted(tmp_path, "--echo", "ECHO")
    assert found.status == 0, found.said
    sent = re.findall("^> (.*)$", found.text, re.MULTILINE)
    costly = r"AT\+(CDNSGIP=|CIPPING|CSOCON=|CSOSEND=|CSODSEND|CSOSENDFLAG=|CSORCVFLAG=|CSCLK=|CPSMS=|CFUN=)"
    assert not [line for line in sent if re.match(costly, line)]
    assert found.note("dns") == "# note: - dns          not agreed to: up to 300 bytes of data"
    assert "stored in the module" in found.note("sleep")
    assert found.given["csoc_read"] == "full"
    assert found.before == found.after


def test_no_data_means_none(tmp_path: Path) -> None:
    """With --no-data all else is done that --yes agrees to."""
    found = accepted(tmp_path, *ALL, "--no-data")
    sent = re.findall("^> (.*)$", found.text, re.MULTILINE)
    assert not [line for line in sent if re.match(r"AT\+(CDNSGIP=|CIPPING|CSOCON=|CSOSEND=|CSODSEND)", line)]
    assert found.given["boot"] == "rdy"
    assert found.given["csorcvflag_after_psm"] == "kept"


def at(command: str, event: str) -> str:
    """Return a scenario in which something happens at a command."""
    return f'description = "bad"\n[[event]]\ncommand = "{command}"\ndo = {event!r}\n'


@pytest.mark.parametrize(
    ("scenario", "status", "report"),
    [
        (at("AT+CSOC?", "deaf"), 1, "the run ended here: the module does not answer AT any more"),
        (at("AT+CSOC?", "port close"), 1, "the run ended here: "),
        (at("AT+CSOC=1,2,3", "reboot"), 1, "x sockets      the module restarted on its own meanwhile"),
        (at("AT+CSOC?", "garbage 300"), 0, "+ sleep "),
        (at("AT+CSOC?", 'refuse "AT+CSOC*" ERROR'), 1, "x sockets      AT+CSOC=1,2,1: ERROR"),
        (at("AT+CSOB=*", 'refuse "AT*" ERROR 3'), 0, "csoc_cid=refused\n"),
        (at("ATE1", 'refuse "AT*" ERROR 10'), 0, "spacing=space\n"),
        (at("AT+CFUN=1,1", 'refuse "AT+CFUN=1,1" ERROR'), 1, "x restart      it does not restart: ERROR"),
        (at("AT+CGACT=0,1", 'refuse "AT+CGACT=*" 151'), 0, "+ release      ERROR, and on again\n"),
        (at("AT+CFUN=0", 'refuse "AT+CFUN=1" ERROR 1'), 1, "x radio        AT+CFUN=1: ERROR\n"),
        (at("AT+CDNSGIP*", 'withhold "AT+CDNSGIP*"'), 1, "x dns "),
        (at("AT+CFUN=1,1", "power off"), 1, "x restart      the line broke"),
        (at("AT+CPSMS=1*", "set granted_tau=01000001"), 0, "granted, but for 36000 s: not waited for"),
    ],
)
def test_whatever_the_module_does_there_is_a_file(tmp_path: Path, scenario: str, status: int, report: str) -> None:
    """Silence, refusals, garbage, a restart, a port that goes: what was found until then is kept."""
    file = tmp_path / "bad.toml"
    file.write_text(scenario)
    found = accepted(tmp_path, *ALL, module=("--scenario", str(file)))
    assert report in found.text
    assert "# note: + identity " in found.text
    assert found.status == status, found.text[:4000]
    if "the line broke" not in found.text:
        assert (found.before, "not put back" in found.text) == (found.after, False)


def test_silence_is_no_answer(tmp_path: Path) -> None:
    """What was not answered, and a module that only says that it restarts, leave the question open."""
    file = tmp_path / "bad.toml"
    file.write_text(at("AT+CSOC=1,2,3", 'withhold "AT+CSOC=1,2,3"'))
    with patch.object(Module, "restart", lambda _: None):
        found = accepted(tmp_path, *ALL, module=("--scenario", str(file)))
    assert not {"csoc_protocols", "boot"} & set(found.given)
    assert found.given["csoc_cid"] == "refused"
    assert "x restart      it says that it restarts, and does not" in found.text
    assert found.status == 1


def test_a_pin_is_entered_whenever_it_is_wanted(tmp_path: Path) -> None:
    """With the right one the run goes on after radio and module were off."""
    found = accepted(tmp_path, *ALL, "--pin", "1234", module=("--set", "sim=pin"))
    assert found.status == 0, found.said
    assert found.text.count("> AT+CPIN=****") == 3
    assert found.online


def test_a_wrong_pin_is_tried_once(tmp_path: Path) -> None:
    """Whatever the run does to the module afterwards, the second try is left to a person, and the rest is done."""
    found = accepted(tmp_path, *ALL, "--pin", "4321", module=("--set", "sim=pin"))
    assert found.text.count("> AT+CPIN=****") == 1
    assert found.note("radio").endswith("not attached")
    assert re.search("RDY, back after . s; boot=rdy$", found.note("restart"))
    assert found.status == 1


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("sim=pin", "The SIM asks for its PIN: none was given. Set the right pin"),
        ("sim=absent", "There is no SIM. Put the SIM in, contacts first"),
        ("registration=denied:11", "The network denied registration: PLMN not allowed. Check with the operator"),
    ],
)
def test_what_keeps_it_from_attaching_is_said_as_probe_says_it(tmp_path: Path, fact: str, words: str) -> None:
    """With the advice for that, not for whatever else it might be."""
    found = accepted(tmp_path, "--timeout", "20", module=("--set", fact))
    assert words in found.note("attached")
    assert found.status == 1


def test_a_maker_before_the_model_is_no_other_modem(tmp_path: Path) -> None:
    """What the bridge takes for a SIM7020 is tried."""
    found = accepted(tmp_path, module=("--do", 'replace "SIM7020E" "SIMCOM_SIM7020E"'))
    assert found.status == 0, found.said
    assert found.given["model"] == "sim7020e"


def test_a_module_that_spoke_in_numbers_does_so_again(tmp_path: Path) -> None:
    """ATV0 is no obstacle, and put back as all else is."""
    found = accepted(tmp_path, *ALL, module=("--do", "setting V=0"))
    assert found.status == 0, found.said
    assert found.before["V"] == "0"
    assert found.before == found.after


async def test_whoever_is_in_a_hurry_is_told_what_is_left() -> None:
    """A put back that is cancelled is noted, and the others are still done."""

    class Slow(bench.Bench):
        """A module that takes AT+B=1 for ever, and all else at once."""

        async def ask(self, line: str, within: float = 20.0) -> bench.Said:
            asked.append(line)
            if line == "AT+B=1":
                trying.set()
                await asyncio.sleep(within)
            return bench.Said("OK", f"\r\n{line[2:].strip('?')}: 1\r\n")

    asked: list[str] = []
    trying = asyncio.Event()
    trial = Slow(Mock(), Mock(), "host", None, None)

    async def check() -> None:
        async with trial.kept("+A", "+B", "+C"):
            raise bench.Amiss("whatever")

    task = asyncio.create_task(check())
    await trying.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert asked[-3:] == ["AT+A=1", "AT+B=1", "AT+C=1"]
    assert trial.left == ["AT+B=1"]


def test_another_modem_is_left_alone(tmp_path: Path) -> None:
    """A device that is no SIM7020 is asked who it is, and nothing more."""
    found = accepted(tmp_path, *ALL, partner=other_modem)
    assert found.status == 1
    assert "# note: nothing more was tried: it is no SIM7020" in found.text
    assert "nothing more was tried: it is no SIM7020\n" in found.said
    assert [line for line in re.findall("^> (.*)$", found.text, re.MULTILINE) if "=" in line] == []


@pytest.mark.parametrize("partner", [silent, echo])
def test_a_port_without_a_module_leaves_a_file_too(tmp_path: Path, partner: Reply) -> None:
    """Where nothing answers AT, that is what the file says."""
    found = accepted(tmp_path, *ALL, partner=partner)
    assert found.status == 1
    why = "nothing answers AT; sim7020-bridge probe says what to do"
    assert f"# note: {why}" in found.text
    assert found.said == f"{why}\n{tmp_path / 'module.at'} has it all\n"


def test_what_is_not_there_costs_no_old_file(tmp_path: Path) -> None:
    """A port that can't be opened, a file that is there, an echo host without a port: each is said."""
    file = tmp_path / "old.at"
    status, _, err = typed("accept", str(tmp_path / "none"), str(file))
    assert (status, file.exists()) == (1, False)
    assert "there is no such device" in err
    file.write_text("old")
    assert typed("accept", "/dev/null", str(file))[0] == 1
    assert typed("accept", "/dev/null", str(file), "--echo", "here")[0] == 2
    assert typed("accept", "/dev/null", str(file), "--force")[0] == 1
    assert file.read_text() == "old"


def test_a_place_that_takes_no_file_is_said_before_anything_is_done(tmp_path: Path) -> None:
    """Half an hour later would be too late; what nobody can name is no traceback either."""
    file = tmp_path / "module.at"
    file.symlink_to(tmp_path / "none" / "module.at")
    found = accepted(tmp_path, *ALL)
    assert (found.status, found.said) == (1, f"{file} can't be written: No such file or directory\n")
    name = 300 * "a"
    for command in (("accept", "/dev/null", name), ("record", "/dev/null", name), ("init", name)):
        assert typed(*command) == (1, "", f"{name} can't be written: File name too long\n")


async def test_a_closed_standard_input_is_no_terminal() -> None:
    """As some supervisors start what they start."""
    status, _, err = await run("sh", "-c", f"exec {sys.executable} -m sim7020_bridge accept /dev/none <&-")
    assert (status, "there is no such device" in err) == (1, True)


@pytest.mark.parametrize("stop", ["Ctrl-C", "the window is closed"])
async def test_it_asks_first_and_can_be_stopped(tmp_path: Path, stop: str) -> None:
    """Each thing that costs or stores something is asked for; the end leaves a file, and settings as they were."""
    emulator = Emulator(tmp_path, "module", ["--baud", "0", "--speed", "0", "--attached"])
    await emulator.start()
    file = tmp_path / "stopped.at"
    try:
        async with Terminal("accept", emulator.place, str(file)) as terminal:
            asked = [check for check in checks.CHECKS if check.price and not check.echo]
            place = 0
            for check in asked:
                place = await terminal.sees(f"{check.does} ({check.price}) [Y/n]:".replace("\n", ""), after=place)
                terminal.types("y\r" if check.name == "sleep" else "n\r")
            await terminal.sees("sleep: let it sleep")
            async with asyncio.timeout(30):
                while "AT+CPSMS=1" not in emulator.trace:  # noqa: ASYNC110 - a file sets no event
                    await asyncio.sleep(0.01)
            if stop == "Ctrl-C":
                terminal.types("\x03")
            else:
                terminal.closes()
            assert await terminal.ends() == 1
        assert "# note: the run was stopped" in file.read_text()
        assert "- restart      not agreed to" in file.read_text()
        assert emulator.commands()[-4:] == ["AT+CPSMS=0", "AT+CPSMSTATUS=1", "AT+CEREG=0", "AT+CSORCVFLAG=0"]
    finally:
        await emulator.stop()


async def test_the_same_in_pytest(tmp_path: Path) -> None:
    """`script/test --modem` makes a test of each check; without --yes only of those that cost and store nothing."""
    emulator = Emulator(tmp_path, "module", ["--baud", "0", "--speed", "0", "--attached"])
    await emulator.start()
    try:
        tests = (
            "env",
            "-u",
            "SHARED_OUT",
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            "-p",
            "no:cacheprovider",
            "tests/hardware",
        )
        code, out, _ = await run(*tests, "--modem", emulator.place)
        free = [check.name for check in checks.CHECKS if not check.price]
        assert code == 0, out
        assert re.findall(r"^PASSED .*\[(\w+)\]", out, re.MULTILINE) == free
    finally:
        await emulator.stop()
