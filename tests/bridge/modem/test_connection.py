"""One opening of a socket after the other: how long apart, what becomes of its id, and what no report told."""

import asyncio
from itertools import pairwise

import pytest

from sim7020_bridge.config.model import PowerSavingSettings, SocketSettings, Transport
from sim7020_bridge.errors import CommandRefused
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.connection import Asked
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import TCP, UDP, now, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

DAY = 86400.0
TIMES = Timing()
SLOW = SocketSettings(name="slow", transport=Transport.TCP, host="198.51.100.9", port=5009)


class SlowModule(ScriptedModule):
    """One that takes its time with some commands; ``began`` is when it heard each of them."""

    def __init__(self, start: str, seconds: float, *answer: str) -> None:
        super().__init__()
        self._start = start
        self._seconds = seconds
        self._late = answer
        self.began: list[float] = []

    def write(self, data: bytes) -> None:
        """Take a command line and answer it, later if it is one of those."""
        if data.startswith(self._start.encode()):
            self.began.append(now())
            self.answer_once(self._start.partition("=")[0], *SILENCE)
            asyncio.get_running_loop().call_later(self._seconds, self.say, *self._late)
        super().write(data)


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        pytest.param(75, ("ERROR", "+CSOERR: 0,2"), id="a host that is slow to refuse"),
        pytest.param(20, ("ERROR", "+CSOERR: 0,2"), id="one that is quicker"),
        pytest.param(DAY, (), id="no answer at all"),
    ],
)
@on_virtual_time
async def test_time_spent_connecting_is_no_time_open(
    seconds: float, answer: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """However long it takes until a connection fails, the next attempts come at growing distances."""
    module = SlowModule("AT+CSOCON=", seconds, *answer)
    async with running(TCP, module=module) as bench:
        await bench.online()
        await asyncio.sleep(DAY)
        gaps = [after - before for before, after in pairwise(module.began)]
        assert len(gaps) < 330
        assert all(gap >= 0.75 * TIMES.socket_last for gap in gaps[15:])
        assert Phase.OPEN not in bench.phases("tcp")
    assert sum("opening it again" in record.message for record in caplog.records) == 3


@on_virtual_time
async def test_time_that_a_send_goes_unanswered_is_no_time_open() -> None:
    """A socket on which nothing but silence follows a send was never sound, though it takes a minute to find out."""
    async with running(UDP) as bench:
        bench.module.answer("AT+CSOSEND", *SILENCE)
        for _ in range(4):
            socket = await bench.opened("udp")
            with pytest.raises(Exception, match="no answer"):
                await socket.send(b"x")
        failed = now()
        await bench.opened("udp")
        assert now() - failed >= 0.75 * 2**3 * TIMES.socket_first


@pytest.mark.parametrize(
    ("name", "size", "code", "refused"),
    [
        ("udp", 0, 11, None),
        ("udp", 1, 11, Asked.SEND),
        ("udp", 1, 6, Asked.SEND),
        ("udp", 1, 8, Asked.SEND),
        ("udp", 1, 3, None),
        ("udp", 400, 6, None),
        ("udp", 400, 11, Asked.SEND),
        ("tcp", 1, 6, Asked.SEND),
        ("tcp", 400, 6, Asked.SEND),
        ("tcp", 400, 11, Asked.SEND),
        ("tcp", 1, -1, None),
    ],
)
@on_virtual_time
async def test_whose_cause_it_is(name: str, size: int, code: int, refused: Asked | None) -> None:
    """What the module names is its own trouble if it was asked to send, unless a datagram may be too large for it."""
    async with running(UDP, TCP) as bench:
        socket = await bench.opened(name)
        lines = (f"+CSOERR: {socket.id},{code}",)
        if size:
            bench.module.answer("AT+CSOSEND", "ERROR", *lines)
            with pytest.raises(SocketLost if refused else CommandRefused):
                await socket.send(bytes(size))
        else:
            bench.module.say(*lines)
        await bench.module.hears("AT+CSOC", times=3)
        failure = socket.state.failure
        assert failure is not None
        assert (failure.code, failure.refused) == (code, refused)


@on_virtual_time
async def test_what_waits_behind_a_datagram_when_its_socket_breaks_is_not_sent() -> None:
    """The module has taken the first, and the id may soon be another socket's."""
    async with running(UDP) as bench:
        socket = await bench.opened("udp")
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        first, second = (asyncio.create_task(socket.send(data)) for data in (b"1", b"2"))
        await bench.module.hears("AT+CSOSEND")
        bench.module.say(f"+CSOERR: {socket.id},1", "OK")
        await first
        with pytest.raises(SocketLost):
            await second
        assert bench.module.times("AT+CSOSEND") == 1


@on_virtual_time
async def test_what_was_taken_is_no_longer_asked() -> None:
    """A socket that breaks some time after a payload was taken was refused nothing."""
    async with running(UDP) as bench:
        socket = await bench.opened("udp")
        await socket.send(b"x")
        bench.module.say(f"+CSOERR: {socket.id},11")
        await bench.module.hears("AT+CSOC", times=2)
        assert socket.state.failure is not None
        assert socket.state.failure.refused is None


@on_virtual_time
async def test_back_off_outlives_the_session() -> None:
    """A peer that refuses is not asked faster because the port was opened again."""
    async with running(TCP) as bench:
        bench.module.answer("AT+CSOCON", "ERROR", "+CSOERR: 0,3")
        await bench.online()
        await asyncio.sleep(3600)
        before = bench.module.times("AT+CSOCON")
        bench.module.unplug()
        await asyncio.sleep(3600)
        assert bench.module.opened == 2
        assert bench.module.times("AT+CSOCON") - before < 20


@on_virtual_time
async def test_data_that_comes_while_the_socket_waits_to_be_closed() -> None:
    """What the peer sent is delivered for as long as the module has its connection."""
    module = SlowModule("AT+CSOCON=1", 60, "OK")
    saving = PowerSavingSettings(active_time=60, periodic_update=43200)
    async with running(TCP, SLOW, module=module, power_saving=saving) as bench:
        tcp = await bench.opened("tcp")
        opening = asyncio.create_task(bench.socket("slow").wait_open())
        await asyncio.sleep(20)
        assert (bench.phases("tcp")[-1], module.times("AT+CSOCL"), tcp.id) == (Phase.CLOSED, 0, 0)
        module.say("+CSONMI: 0,6,313233")
        await opening
        await module.hears("AT+CSOCL")
        assert bench.data == [("tcp", b"123")]


@on_virtual_time
async def test_a_refused_closing_costs_no_id() -> None:
    """An id that the module did not free, though it was told to, is freed at once, and if that fails, later."""
    async with running(UDP) as bench:
        for refusals in (1, 2) * 4:
            socket = await bench.opened("udp")
            await asyncio.sleep(100)
            for _ in range(refusals):
                bench.module.answer_once("AT+CSOCL", "ERROR")
            bench.module.say(f"+CSOERR: {socket.id},2")
            await asyncio.sleep(1)
            await bench.opened("udp")
            assert len(bench.module.sockets) == refusals
            await asyncio.sleep(TIMES.refresh_every)
            assert bench.module.sockets == {socket.id}


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        pytest.param(("+CS\x7fC: 1", "OK"), {1}, id="unreadable"),
        pytest.param(("+CSOC: 7", "OK"), {1}, id="no such id"),
        pytest.param(("ERROR",), {1, 2, 3, 4}, id="no room"),
        pytest.param(SILENCE, {1}, id="no answer"),
    ],
)
@on_virtual_time
async def test_a_failed_creation_costs_no_id(lines: tuple[str, ...], taken: set[int]) -> None:
    """A socket that was made without its id being understood is closed, and so are others that take up all places."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(100)
        bench.module.sockets |= taken
        bench.module.answer_once("AT+CSOC", *lines)
        bench.module.say("+CSOERR: 0,2")
        await bench.module.hears("AT+CSOC", times=3)
        await bench.opened("udp")
        assert bench.module.sockets == {bench.socket("udp").id}


@pytest.mark.parametrize("settings", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize("status", ["0", "1"])
@on_virtual_time
async def test_an_end_whose_report_was_lost(settings: SocketSettings, status: str) -> None:
    """A socket that only receives is asked after now and then: one that ended without a word is opened again."""
    module = ScriptedModule()
    module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,2", "OK")
    async with running(settings, module=module) as bench:
        socket = await bench.opened(settings.name)
        await asyncio.sleep(DAY)
        assert bench.phases(settings.name) == [Phase.OPENING, Phase.OPEN]
        await module.hears("AT+CSOSTATUS", times=module.times("AT+CSOSTATUS") + 1)
        await asyncio.sleep(TIMES.refresh_every / 2)
        module.say("+CSONMI: 0,2,31")
        module.say("+CSO\x7fRR: 0,2")
        module.answer_once("AT+CSOSTATUS", f"+CSOSTATUS: 0,{status}", "OK")
        await module.hears("AT+CSOC", times=2, within=TIMES.refresh_every + 1)
        await bench.opened(settings.name)
        assert socket.state.failure is not None
        assert (socket.state.failure.code, socket.state.failure.name) == (None, "not_connected")


@pytest.mark.parametrize("listed", [None, ("ERROR",), SILENCE], ids=["listed", "no list", "silence"])
@pytest.mark.parametrize("lines", [("ERROR",), ("OK",), ("+CSOSTATUS: 0,7", "OK"), SILENCE], ids=str)
@on_virtual_time
async def test_a_firmware_that_does_not_tell_the_status(lines: tuple[str, ...], listed: tuple[str, ...] | None) -> None:
    """No answer, and one that nobody knows, are no reason to give a connection up."""
    module = ScriptedModule()
    module.answer("AT+CSOSTATUS", *lines)
    async with running(UDP, module=module) as bench:
        await bench.opened("udp")
        if listed is not None:
            module.answer("AT+CSOC?", *listed)
        await asyncio.sleep(3600)
        assert module.times("AT+CSOSTATUS") > 5
        assert module.times("AT+CSOC") == 1


@pytest.mark.parametrize("settings", [UDP, TCP], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("question", "answers"),
    [("AT+CSOSTATUS", ("+CSOSTATUS: 0,1", "OK")), ("AT+CSOSTATUS", ("+CSOSTATUS: 0,0", "OK")), ("AT+CSOC?", ("OK",))],
    ids=["created", "none", "not in the list"],
)
@on_virtual_time
async def test_a_firmware_that_never_says_connected(
    settings: SocketSettings, question: str, answers: tuple[str, ...]
) -> None:
    """What it says of a connection that it has just made tells nothing: it is opened anew once, and not for ever."""
    module = ScriptedModule()
    module.answer("AT+CSOSTATUS", "ERROR")
    module.answer(question, *answers)
    async with running(settings, module=module) as bench:
        await bench.opened(settings.name)
        await asyncio.sleep(DAY)
        assert module.times("AT+CSOCON") <= 2
        module.say("RDY")
        await asyncio.sleep(DAY)
        assert module.times("AT+CSOCON") <= 4


@on_virtual_time
async def test_a_module_that_says_ok_to_any_question() -> None:
    """It tells nothing of its sockets, also not that it has none."""
    module = ScriptedModule()
    module.answer("AT+CSOC?", "OK")
    async with running(UDP, module=module) as bench:
        await bench.opened("udp")
        await asyncio.sleep(3600)
        assert module.times("AT+CSOC") == 1


@on_virtual_time
async def test_an_end_that_only_the_list_of_sockets_tells() -> None:
    """Where the firmware does not tell a socket's status, one that it does not list any more is gone."""
    module = ScriptedModule()
    module.answer("AT+CSOSTATUS", "ERROR")
    async with running(UDP, module=module) as bench:
        await bench.opened("udp")
        await asyncio.sleep(1000)
        module.sockets.clear()
        await module.hears("AT+CSOC", times=2, within=TIMES.refresh_every + 1)
        await bench.opened("udp")


@on_virtual_time
async def test_a_socket_is_not_asked_after_while_it_is_connected() -> None:
    """A socket that waits for its peer is created and not connected, which is no end of it."""
    module = SlowModule("AT+CSOCON=", 100, "OK")
    module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,1", "OK")
    async with running(SLOW, module=module) as bench:
        await module.hears("AT+CSOCON")
        await bench.socket("slow").check_open(bench.modem.module)
        assert not module.times("AT+CSOSTATUS")
        await bench.opened("slow")
        assert module.times("AT+CSOC") == 1


@on_virtual_time
async def test_nothing_is_sent_before_the_connection_stands() -> None:
    """Who comes while a socket is being connected is told that it is not open, and nothing goes out."""
    async with running(TCP, module=SlowModule("AT+CSOCON=", 30, "OK")) as bench:
        await bench.module.hears("AT+CSOCON")
        with pytest.raises(SocketLost):
            await bench.socket("tcp").send(b"x")
        await bench.opened("tcp")
        assert not bench.module.times("AT+CSOSEND")


@on_virtual_time
async def test_a_context_that_comes_back_ends_the_wait() -> None:
    """However long a socket has still to wait after its failures, it is tried at once on a new context."""
    async with running(UDP) as bench:
        bench.module.answer("AT+CSOCON", "ERROR", "+CSOERR: 0,1")
        await bench.online()
        await asyncio.sleep(3600)
        bench.module.answer("AT+CSOCON", "OK")
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.until(lambda state: not state.pdn.active)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        bench.module.say("+CGEV: ME PDN ACT 1")
        back = now()
        await bench.opened("udp")
        assert now() - back < 1


@pytest.mark.parametrize(
    ("settings", "seconds", "cause", "whose"),
    [
        pytest.param(TCP, 0.0, (), "module", id="no peer answers as soon"),
        pytest.param(TCP, 2.0, (), "peer", id="a peer may have been asked"),
        pytest.param(TCP, 0.0, ("+CSOERR: 0,3",), "peer", id="the cause is the peer's"),
        pytest.param(TCP, 2.0, ("+CSOERR: 0,11",), "module", id="the cause is the module's"),
        pytest.param(UDP, 2.0, (), "module", id="for UDP no peer is asked"),
    ],
)
@on_virtual_time
async def test_who_refused_a_connection(
    settings: SocketSettings, seconds: float, cause: tuple[str, ...], whose: str
) -> None:
    """A connection that the module refuses by itself is its own trouble in the end; what the peer refuses never is."""
    module = SlowModule("AT+CSOCON=", seconds, "ERROR", *cause)
    async with running(settings, module=module) as bench:
        await bench.online()
        await asyncio.sleep(3600)
        assert bench.modem.store.state.refused.what == (Asked.CONNECT if whose == "module" else None)
        assert (RecoveryStep.REATTACH in bench.modem.store.state.counters.steps) is (whose == "module")
