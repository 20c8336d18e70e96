"""What ends a session, what it leaves behind, and how the next one begins."""

import asyncio
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.errors import CommandRefused, LineError, RequestRefused
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import ModemSocket, Phase
from sim7020_bridge.modem.state import Layer, ModemState
from tests.bridge.modem.bench import TCP, UDP, current, now, running
from tests.bridge.scripted_module import ATTACHED, SILENCE, ScriptedModule, on_virtual_time
from tests.virtual_time import run


@pytest.mark.parametrize("untold", [None, "AT+COPS?", "AT+CENG?"])
@pytest.mark.parametrize("blip", [("+CEREG: 2", '+CEREG: 1,"00A0","0002920C",9'), ("+CEREG: 0", "+CEREG: 5")])
@on_virtual_time
async def test_what_a_blip_forgets_is_read_again(blip: tuple[str, str], untold: str | None) -> None:
    """Operator and cell are known again at once when the registration is back, and not read without need."""

    def known(state: ModemState) -> int:
        return (state.cell is not None) + (state.operator is not None)

    async with running() as bench:
        if untold is not None:
            bench.module.answer(untold, "ERROR")
        await bench.online()
        await asyncio.sleep(60)
        for seconds in (60, 1, 1):
            asked = bench.module.times("AT+CENG?")
            bench.module.say(blip[0])
            await bench.until(lambda state: not known(state))
            bench.module.say(blip[1])
            began = now()
            await bench.until(lambda state: known(state) == (2 if untold is None else 1), within=6)
            assert now() - began < (1 if seconds == 60 else 6)
            await asyncio.sleep(seconds)
            assert bench.module.times("AT+CENG?") == asked + 1


@pytest.mark.parametrize("report", ["+CGEV: NW PDN DEACT 1", "+CGEV: NW DETACH"])
@on_virtual_time
async def test_loss_that_is_reported_again_and_again(report: str) -> None:
    """It is believed once; then the module is asked, once a second at most, and its sockets stay open."""
    async with running(UDP) as bench:
        bench.module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,2", "OK")
        await bench.opened("udp")
        await asyncio.sleep(60)
        before, heard = len(bench.states), len(bench.module.heard)
        for _ in range(1200):
            bench.module.say(report)
            await asyncio.sleep(0.1)
        told = [layer for layer, _ in groupby(state.link.layer for state in bench.states[before:])]
        assert told.count(Layer.PDN) == 1
        assert bench.module.times("AT+CSOC") == 2
        assert len(bench.module.heard) - heard < 120 * 6
        assert bench.socket("udp").state.phase is Phase.OPEN


@on_virtual_time
async def test_loss_that_is_true_again() -> None:
    """A context that goes a second time is gone, and so is a socket that it took with it."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(60)
        for _ in range(2):
            bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
            bench.module.say("+CGEV: NW PDN DEACT 1")
            await bench.until(lambda state: state.pdn.active is False, within=2)
            bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
            await bench.online()
            await bench.opened("udp")
            await asyncio.sleep(5)
        opened = bench.module.times("AT+CSOC")
        bench.module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,0", "OK")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.module.hears("AT+CSOC", times=opened + 1, within=3)


@on_virtual_time
async def test_what_is_not_told_is_not_asked_again_and_again() -> None:
    """A firmware that tells neither operator nor cell is asked every five minutes."""
    async with running() as bench:
        bench.module.answer("AT+CENG?", "+CME ERROR: 842")
        bench.module.answer("AT+COPS?", "ERROR")
        await bench.online()
        await asyncio.sleep(899)
        assert bench.module.times("AT+CENG?") == 3


@pytest.mark.parametrize("said", ["OVER-VOLTAGE POWER DOWN", "OVER-VOLTAGE WARNNING POWER DOWN"])
@on_virtual_time
async def test_supply_reports(said: str) -> None:
    """A warning about the supply changes nothing; switching off for it is a restart, with its reason."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(5)
        bench.module.say("UNDER-VOLTAGE WARNNING")
        await asyncio.sleep(5)
        assert bench.module.opened == 1
        bench.module.say(said)
        await bench.until(lambda state: state.counters.reboots == 1)
        assert any("the supply is too high" in str(state.link.reason) for state in bench.states)


@on_virtual_time
async def test_supply_that_cannot_be_read() -> None:
    """A firmware without AT+CBC gives no good reading: its warning ends when it gave none for an hour."""
    module = ScriptedModule()
    module.answer("AT+CBC", "ERROR")
    async with running(module=module) as bench:
        await bench.online()
        module.say("UNDER-VOLTAGE WARNNING")
        await asyncio.sleep(3000)
        assert AlertId.SUPPLY in current(bench)
        await asyncio.sleep(900)
        assert AlertId.SUPPLY not in current(bench)


@on_virtual_time
async def test_stable_session_starts_with_short_wait() -> None:
    """A port that was good for a minute is opened again soon, however often it failed before."""
    async with running(absent=8) as bench:
        await bench.online()
        await asyncio.sleep(61)
        bench.module.unplug()
        await bench.until(lambda state: not state.port_open)
        began = now()
        await bench.until(lambda state: state.port_open)
        assert now() - began <= 1


@on_virtual_time
async def test_port_that_goes_away() -> None:
    """A port that goes away ends the session, is told as such, and opened again."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.absent = 3
        bench.module.unplug()
        await bench.until(lambda state: state.link.reason == "no such device")
        assert bench.socket("udp").state.phase is not Phase.OPEN
        with pytest.raises(RequestRefused, match="no such device"):
            _ = bench.modem.module
        await bench.opened("udp")
        assert bench.modem.store.state.counters.steps == {RecoveryStep.REOPEN: 3}


@on_virtual_time
async def test_port_that_is_not_there_at_first() -> None:
    """A port that can't be opened is tried again, at least every second."""
    async with running(absent=12) as bench:
        with pytest.raises(RequestRefused, match="the port is not open yet"):
            _ = bench.modem.module
        await bench.online()
        assert 0.75 * 5.75 <= now() <= 5.75 + 1


@on_virtual_time
async def test_module_that_is_off() -> None:
    """A module that answers nothing is looked for until it does."""
    async with running() as bench:
        bench.module.answer("AT", *SILENCE)
        bench.module.answer("ATQ0V1", *SILENCE)
        await bench.until(lambda state: state.answer_problem is not None)
        assert bench.modem.store.state.link.layer is Layer.AT
        bench.module.answer("AT", "OK")
        bench.module.answer("ATQ0V1", "OK")
        await bench.online()


@on_virtual_time
async def test_question_that_the_session_before_left_unanswered() -> None:
    """What proves the line is nothing whose answer may be on its way since another session."""
    async with running() as bench:
        bench.module.answer_once("AT+IFC?", *SILENCE)
        await bench.module.hears("AT+IFC?")
        bench.module.unplug()
        await bench.online()
        assert bench.module.opened == 2
        assert (bench.module.times("AT+IFC?"), bench.module.times("AT+CMEE?")) == (1, 1)


@on_virtual_time
async def test_line_out_of_step() -> None:
    """A line that can't be brought back into step ends the session; the state says so in between."""
    async with running() as bench:
        await bench.online()
        for command in ("AT", "AT+CPIN?"):
            bench.module.answer(command, *SILENCE)
        await bench.until(lambda state: state.link.layer is Layer.AT)
        assert bench.modem.store.state.counters.steps[RecoveryStep.RESYNC] == 1
        bench.module.answer("AT", "OK")
        bench.module.answer("AT+CPIN?", *ATTACHED["AT+CPIN?"])
        await bench.online()
        assert bench.module.opened >= 2


@on_virtual_time
async def test_module_is_of_no_use_after_its_session() -> None:
    """Whoever holds on to the module of an earlier session gets an error and no answer of the next one."""
    async with running() as bench:
        await bench.online()
        module = bench.modem.module
        waiting = asyncio.create_task(module.resolve("example.org"))
        pinging = asyncio.create_task(module.ping("example.org", 2))
        await bench.module.hears("AT+CIPPING")
        bench.module.say("RDY")
        with pytest.raises(LineError):
            await waiting
        await bench.online()
        with pytest.raises(LineError):
            await module.resolve("example.org")
        assert await pinging == []
        assert bench.modem.module is not module


@on_virtual_time
async def test_another_context_s_end_is_not_ours() -> None:
    """Only the default context carries the sockets: the end of another one changes nothing."""
    async with running() as bench:
        await bench.online()
        layers = bench.layers()
        bench.module.say("+CGEV: NW PDN DEACT 2")
        await asyncio.sleep(1)
        assert bench.layers() == layers
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.until(lambda state: state.link.layer is Layer.PDN)


@on_virtual_time
async def test_a_resolution_that_is_refused_is_expected_no_more() -> None:
    """A module that won't resolve a name leaves nothing behind, however often it is asked."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CDNSGIP", "ERROR")
        for _ in range(3):
            with pytest.raises(CommandRefused):
                await bench.modem.module.resolve("example.org")
        await asyncio.sleep(1)
        assert bench.modem.module.channel._expected == []


@on_virtual_time
async def test_sleep_and_wake() -> None:
    """A module that falls asleep by itself is left alone, and is online again when it wakes."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(5)
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await bench.until(lambda state: state.link.layer is Layer.SLEEPING)
        heard = len(bench.module.heard)
        await asyncio.sleep(60)
        assert len(bench.module.heard) == heard
        bench.module.say('+CPSMSTATUS: "EXIT PSM"')
        await bench.online()


@pytest.mark.parametrize("report", ["+CREG: 0", "+CGREG: 3", '+CGREG: 1,"5B57","01A50B1A",9,"00"'])
@on_virtual_time
async def test_other_domains_say_nothing_of_the_eps(report: str) -> None:
    """A report that somebody left on in another domain makes the bridge read the EPS registration, and is none."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(10)
        before, read = bench.modem.store.state, bench.module.times("AT+CEREG?")
        bench.module.say(report)
        await bench.module.hears("AT+CEREG?", times=read + 1, within=1)
        await asyncio.sleep(10)
        assert bench.modem.store.state == before
        bench.module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        bench.module.say("+CGREG: 0")
        await bench.until(lambda state: not state.registered, within=1)


@on_virtual_time
async def test_readings_are_repeated_under_load() -> None:
    """A line that never rests, as with a long backlog, keeps nothing from being read again."""
    module = ScriptedModule()
    answer_now = module.write

    def write(data: bytes) -> None:
        if data.startswith(b"AT+CSOSEND="):
            asyncio.get_running_loop().call_later(1.0, answer_now, data)
        else:
            answer_now(data)

    module.write = write  # type: ignore[method-assign]

    async def send_on(socket: ModemSocket) -> None:
        while True:
            await socket.send(b"1")

    async with running(UDP, module=module) as bench:
        socket = await bench.opened("udp")
        await asyncio.sleep(5)
        assert module.times("AT+CBC") == 1
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(send_on(socket)) for _ in range(2)]
            await module.hears("AT+CBC", times=3, within=1300)
            for task in sending:
                task.cancel()


@pytest.mark.parametrize("lines", [("OK",), ("+CPSMS: ?", "OK")])
@on_virtual_time
async def test_answer_that_cannot_be_read(lines: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    """The log names the question, for what came may not."""
    async with running() as bench:
        bench.module.answer("AT+CPSMS?", *lines)
        await bench.online()
    told = [record.getMessage() for record in caplog.records if "cannot read" in record.getMessage()]
    assert told
    assert all(text.startswith("AT+CPSMS?: cannot read") for text in told)


@on_virtual_time
async def test_readings_are_repeated() -> None:
    """Signal, cell and supply are read again every few minutes, and not while a command waits."""
    async with running(TCP) as bench:
        await bench.opened("tcp")
        await asyncio.sleep(5)
        assert bench.module.times("AT+CBC") == 1
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        await asyncio.sleep(290)
        sending = asyncio.create_task(bench.socket("tcp").send(b"1"))
        await asyncio.sleep(20)
        assert bench.module.times("AT+CBC") == 1
        bench.module.say("OK")
        await sending
        await asyncio.sleep(5)
        assert bench.module.times("AT+CBC") == 2


@pytest.mark.parametrize("after", [0.0, 0.05, 0.21, 0.5, 2.0, 30.0])
@on_virtual_time
async def test_stopping_leaves_nothing_behind(after: float) -> None:
    """A modem can be stopped at any moment; no task and no waiter outlives it."""
    async with running(UDP, TCP) as bench:
        await asyncio.sleep(after)
    assert bench.modem.store._waiting == []
    assert {bench.socket(name).id for name in ("udp", "tcp")} == {None}


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("evidence", ["unplugged", "RDY"])
@on_virtual_time
async def test_stopping_while_a_session_breaks(evidence: str, turns: int) -> None:
    """A modem that is stopped in the moment in which its session breaks stops, and opens no port again."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(5)
        if evidence == "RDY":
            bench.module.say(evidence)
        else:
            bench.module.unplug()
        for _ in range(turns):
            await asyncio.sleep(0)
    assert bench.module.opened == 1


@on_virtual_time
async def test_many_sessions_leave_nothing_behind() -> None:
    """Session after session, the number of tasks and waiters stays."""
    async with running(UDP, TCP) as bench:
        counts = set()
        for session in range(1, 6):
            await bench.opened("udp")
            await bench.opened("tcp")
            await asyncio.sleep(20)
            assert bench.module.opened == session
            counts.add((len(asyncio.all_tasks()), len(bench.modem.store._waiting)))
            bench.module.unplug()
            await bench.until(lambda state: state.link.layer is Layer.PORT)
        assert len(counts) == 1


LINES = st.one_of(
    st.sampled_from(
        [
            "+CSOERR: 0,99999999999999999999",
            "+CSOERR: -1,2",
            "+CSONMI: 0,2,ZZ",
            "+CSONMI: 0,0,",
            "+CSONMI: 9,2,31",
            "SEND: 0,-5",
            "SEND: 0",
            "+CIPPING: 1,1.2.3.4,5,6",
            "+CIPPING: x",
            "+CEREG: 77",
            "+CEREG: " + 5000 * "1",
            "+CGEV: ME PDN ACT 1",
            "+CGEV: NW DETACH",
            "+CPIN: ",
            "+CFUN: 9",
            "+CSQN: 99,99",
            '+CPSMSTATUS: "X"',
            '+CDNSGIP: 1,"a"',
            "+CDNSGIP: 0,8",
            "OK",
            "ERROR",
            "> ",
        ]
    ),
    st.text(st.characters(max_codepoint=126, exclude_characters="\r\n"), max_size=40),
    st.builds(
        "{}: {}".format,
        st.sampled_from(["+CSOERR", "+CSONMI", "SEND", "+CGEV", "+CEREG", "+CPIN", "+CIPPING", "+CDNSGIP", "+CSQN"]),
        st.text(st.sampled_from('0123456789ABCDEF",.- xyz'), max_size=30),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_no_line_ends_the_modem(lines: list[str]) -> None:
    """Whatever the line says, the modem goes on, or starts over at worst."""

    async def main() -> None:
        async with running(UDP, TCP) as bench:
            await bench.opened("tcp")
            bench.module.say(*lines)
            await asyncio.sleep(1)
            bench.module.say("+CPIN: READY", '+CEREG: 1,"00A0","0002920C",9', '+CPSMSTATUS: "EXIT PSM"')
            await bench.opened("udp", within=3600)
            await bench.opened("tcp", within=3600)

    run(main(), grace=0)
