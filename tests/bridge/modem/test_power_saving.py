"""PSM, eDRX, light sleep and release assistance, against a scripted module on virtual time."""

import asyncio
from collections.abc import Callable

import pytest

from sim7020_bridge.config.model import PowerHookSettings, PowerSavingSettings
from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.modem.alerts import alerts
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.power_saving import check_power_saving
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import TCP, UDP, Bench, Switch, by_topic, now, running
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time

PSM = PowerSavingSettings(active_time=60, periodic_update=43200)
RETAINED = PowerSavingSettings(active_time=60, periodic_update=43200, retain_sockets=True)

EDRX = PowerSavingSettings(edrx_cycle=81.92)
WINDOW = PowerSavingSettings(edrx_cycle=81.92, paging_window=10.24)


def orders(module: ScriptedModule) -> list[str]:
    """Return what was set of power saving."""
    names = ("AT+CPSMS=", "AT+RETENTION=", "AT+CEDRXS=", "AT*MEDRXCFG=", "AT+CSCLK=")
    return [line for line in module.heard if line.startswith(names)]


@pytest.mark.parametrize(
    ("saving", "asked"),
    [
        pytest.param(None, ["AT+CPSMS=0", "AT+CSCLK=0"], id="none"),
        pytest.param(
            PSM,
            ["AT+CPSMS=0", 'AT+CPSMS=1,,,"00101100","00011110"', "AT+RETENTION=0", "AT+CSCLK=0"],
            id="PSM",
        ),
        pytest.param(
            PowerSavingSettings(active_time=2, retain_sockets=True),
            ["AT+CPSMS=0", 'AT+CPSMS=1,,,,"00000001"', "AT+RETENTION=1", "AT+CSCLK=0"],
            id="active time only, sockets retained",
        ),
        pytest.param(
            PowerSavingSettings(edrx_cycle=20.48, paging_window=10.24),
            ["AT+CPSMS=0", 'AT*MEDRXCFG=2,5,"0010","0011"', 'AT+CEDRXS=2,5,"0010"', "AT+CSCLK=0"],
            id="eDRX with window",
        ),
        pytest.param(
            PowerSavingSettings(edrx_cycle=81.92, light_sleep=True),
            ["AT+CPSMS=0", 'AT+CEDRXS=2,5,"0101"', "AT+CSCLK=2"],
            id="eDRX, light sleep",
        ),
    ],
)
@on_virtual_time
async def test_what_is_configured_is_asked_for(saving: PowerSavingSettings | None, asked: list[str]) -> None:
    """The module is asked for what is configured, bit by bit, and what is not is switched off."""
    async with running(power_saving=saving) as bench:
        await bench.online()
        assert orders(bench.module) == asked


@pytest.mark.parametrize(
    ("saving", "kept", "granted", "written"),
    [
        pytest.param(None, (), "0", 0, id="off"),
        pytest.param(None, ('+CEDRXS: 5,"0000"',), "0", 0, id="off with a value"),
        pytest.param(None, ('+CEDRXS: 5,"0101"',), "0", 1, id="perhaps on, and not wanted"),
        pytest.param(None, ("+CEDRXS: ?",), "0", 1, id="unreadable"),
        pytest.param(EDRX, ('+CEDRXS: 5,"0101"',), '5,"0101","0101","0011"', 0, id="on"),
        pytest.param(EDRX, ('+CEDRXS: 5,"0101"',), '5,"0101","0010","0011"', 0, id="another cycle granted"),
        pytest.param(EDRX, ('+CEDRXS: 5,"0010"',), '5,"0010","0010","0011"', 1, id="another cycle"),
        pytest.param(EDRX, ('+CEDRXS: 5,"0101"',), "0", 1, id="off, and kept"),
        pytest.param(EDRX, (), "0", 1, id="never on"),
        pytest.param(WINDOW, ('+CEDRXS: 5,"0101"',), '5,"0101","0101","0011"', 0, id="with this window"),
        pytest.param(WINDOW, ('+CEDRXS: 5,"0101"',), '5,"0101","0101","0001"', 1, id="with another window"),
    ],
)
@on_virtual_time
async def test_edrx_is_asked_for_only_where_it_differs(
    saving: PowerSavingSettings | None, kept: tuple[str, ...], granted: str, written: int
) -> None:
    """What is on, or off, as configured is written in no session: some firmware keeps it in flash."""
    async with running(power_saving=saving) as bench:
        bench.module.answer("AT+CEDRXS?", *kept, "OK")
        bench.module.answer("AT+CEDRXRDP", f"+CEDRXRDP: {granted}", "OK")
        for session in (1, 2):
            await bench.module.hears("ATE0", times=session)
            await bench.online()
            assert bench.module.times("AT+CEDRXS") == session * written
            bench.module.say("RDY")


@pytest.mark.parametrize(
    ("now_set", "saving", "asked"),
    [
        pytest.param("+CPSMS: 0", None, [], id="off already"),
        pytest.param('+CPSMS: 1,,,"00101100","00011110"', PSM, [], id="on already"),
        pytest.param(
            '+CPSMS: 1,,,"00101100","00000001"',
            PSM,
            ["AT+CPSMS=0", 'AT+CPSMS=1,,,"00101100","00011110"'],
            id="other timers",
        ),
        pytest.param('+CPSMS: 1,,,"00101100","00011110"', None, ["AT+CPSMS=0"], id="to be switched off"),
    ],
)
@on_virtual_time
async def test_psm_is_asked_for_where_it_differs(
    now_set: str, saving: PowerSavingSettings | None, asked: list[str]
) -> None:
    """Asking costs a conversation with the network, which takes notice of a change from off to on only."""
    module = ScriptedModule()
    module.answer("AT+CPSMS?", now_set, "OK")
    async with running(module=module, power_saving=saving) as bench:
        await bench.online()
        assert [line for line in orders(module) if line.startswith("AT+CPSMS=")] == asked


@pytest.mark.parametrize(
    "saving",
    [
        PowerSavingSettings(active_time=60, periodic_update=60),
        PowerSavingSettings(active_time=20_000),
        PowerSavingSettings(periodic_update=40_000_000),
        PowerSavingSettings(edrx_cycle=20_000),
        PowerSavingSettings(edrx_cycle=0),
        PowerSavingSettings(edrx_cycle=20.48, paging_window=50),
        PowerSavingSettings(edrx_cycle=20.48, paging_window=30),
        PowerSavingSettings(paging_window=2.56),
        PowerSavingSettings(retain_sockets=True),
    ],
)
def test_power_saving_that_does_not_exist(saving: PowerSavingSettings) -> None:
    """What no module could be asked for is refused with the reason."""
    with pytest.raises(ValueError, match=r"must|needs"):
        check_power_saving(saving)


def test_power_saving_that_exists() -> None:
    """What the configuration allows is fine."""
    for saving in (None, PSM, RETAINED, PowerSavingSettings(edrx_cycle=40.96, paging_window=40.96)):
        check_power_saving(saving)


async def fall_asleep(bench: Bench) -> None:
    """Let the module enter PSM and say so."""
    bench.module.say('+CPSMSTATUS: "ENTER PSM"')
    bench.module.deaf = True
    await bench.until(lambda state: state.link.layer is Layer.SLEEPING)
    await asyncio.sleep(1)


def granted_as_asked() -> ScriptedModule:
    """Return a module whose network does not tell the timers that it grants."""
    module = ScriptedModule()
    module.answer("AT+CEREG?", '+CEREG: 5,1,"00A0","0002920C",9', "OK")
    return module


def wake(module: ScriptedModule) -> None:
    """Let the module leave PSM and say so."""
    module.deaf = False
    module.say("+CPIN: READY", '+CPSMSTATUS: "EXIT PSM"')


@on_virtual_time
async def test_sleep_is_a_state_and_no_fault() -> None:
    """A module that sleeps is waited for, without alert and recovery, and set up again once it wakes."""
    async with running(UDP, module=granted_as_asked(), power_saving=PSM) as bench:
        await bench.opened("udp")
        await fall_asleep(bench)
        asleep = len(bench.states)
        await asyncio.sleep(43_000)
        assert {state.link.layer for state in bench.states[asleep:]} <= {Layer.SLEEPING}
        assert bench.modem.store.state.counters.steps == {}
        heard = len(bench.module.heard)
        wake(bench.module)
        woken = now()
        await bench.online()
        assert now() - woken < 2
        await bench.opened("udp", within=5)
        assert {"ATE0", "AT+CPSMSTATUS=1", "AT+CSORCVFLAG=0"} <= set(bench.module.heard[heard:])
        assert not any(alerts(state) for state in bench.states[asleep:])


@on_virtual_time
async def test_wake_that_was_not_heard() -> None:
    """A module that woke without a word is found by asking now and then."""
    async with running(power_saving=PSM) as bench:
        await bench.online()
        await fall_asleep(bench)
        await asyncio.sleep(3000)
        bench.module.deaf = False
        await bench.until(lambda state: state.link.layer is Layer.ONLINE, within=700)


@on_virtual_time
async def test_module_that_never_wakes() -> None:
    """A module that sleeps longer than the network lets it is gone: that is an alert, and recovery's business."""
    saving = PowerSavingSettings(active_time=2, periodic_update=3600)
    async with running(module=granted_as_asked(), power_saving=saving) as bench:
        await bench.online()
        await fall_asleep(bench)
        await asyncio.sleep(3600)
        assert bench.layers()[-1] is Layer.SLEEPING
        await bench.until(lambda state: state.silent, within=3600)
        assert bench.layers()[-1] is Layer.AT


@on_virtual_time
async def test_message_waits_for_the_wake() -> None:
    """A message for a module that sleeps goes out in the open window after it wakes."""
    async with running(UDP, module=granted_as_asked(), power_saving=PSM) as bench:
        await bench.opened("udp")
        await fall_asleep(bench)
        sending = asyncio.create_task(bench.opened("udp", within=50_000))
        await asyncio.sleep(40_000)
        assert not sending.done()
        wake(bench.module)
        woken = now()
        await (await sending).send(b"1")
        assert now() - woken < 2
        assert bench.module.times("AT+CSOSEND") == 1


@on_virtual_time
async def test_power_hook_wakes_for_a_message() -> None:
    """Where the power hook may wake the module it does, and the module is asked at once although it says nothing."""
    module = ScriptedModule()

    def press(text: str) -> None:
        module.deaf = module.deaf and text == "ON"

    hook = by_topic(press, wakes=True)
    async with running(module=module, power=hook, power_saving=PSM) as bench:
        await bench.online()
        assert not await bench.modem.wake()
        await fall_asleep(bench)
        await asyncio.sleep(100)
        assert await bench.modem.wake()
        await bench.until(lambda state: state.link.layer is Layer.ONLINE, within=5)


@on_virtual_time
async def test_power_hook_that_fails_wakes_nobody() -> None:
    """Whoever asks is told so, and the module sleeps on."""
    hook = PowerHook(PowerHookSettings(command=("/nowhere/press",), wakes=True), switch=Switch(pytest.fail))
    async with running(power=hook, power_saving=PSM) as bench:
        await bench.online()
        await fall_asleep(bench)
        with pytest.raises(RequestRefused, match="the power hook failed"):
            await bench.modem.wake()


@on_virtual_time
async def test_power_hook_is_used_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks while it is being used waits, and finds the module awake: a second press would switch it off."""
    module, pressed = ScriptedModule(), []

    async def press(_hook: PowerHook) -> bool:
        await asyncio.sleep(10)
        pressed.append(now())
        module.deaf = not module.deaf
        await asyncio.sleep(10)
        return True

    monkeypatch.setattr(PowerHook, "press", press)
    async with running(module=module, power=by_topic(pytest.fail, wakes=True), power_saving=PSM) as bench:
        await bench.online()
        await fall_asleep(bench)
        waking = [asyncio.create_task(bench.modem.wake())]
        await asyncio.sleep(2)
        waking.append(asyncio.create_task(bench.modem.wake()))
        assert await asyncio.gather(*waking) == [True, False]
        assert len(pressed) == 1


@on_virtual_time
async def test_plug_does_not_wake() -> None:
    """A hook that cuts the supply is not used to wake the module."""
    told: list[str] = []
    hook = by_topic(told.append)
    async with running(power=hook, power_saving=PSM) as bench:
        await bench.online()
        await fall_asleep(bench)
        assert not await bench.modem.wake()
        assert told == []


@on_virtual_time
async def test_retained_socket_is_used_again() -> None:
    """A UDP socket that the module kept over its sleep is neither closed nor made anew."""
    async with running(UDP, power_saving=RETAINED) as bench:
        bench.module.answer("AT+CSOSTATUS=0", "+CSOSTATUS: 0,2", "OK")
        await bench.opened("udp")
        await fall_asleep(bench)
        assert bench.phases("udp")[-1] is Phase.CLOSED
        wake(bench.module)
        socket = await bench.opened("udp")
        await socket.send(b"1")
        assert (bench.module.times("AT+CSOC"), bench.module.times("AT+CSOCL")) == (1, 0)
        bench.module.say("+CSONMI: 0,2,31")
        await asyncio.sleep(1)
        assert bench.data == [("udp", b"1")]


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(lambda module: module.sockets.clear(), id="the module has forgotten it"),
        pytest.param(lambda module: module.answer("AT+CSOSTATUS=0", "+CSOSTATUS: 0,0", "OK"), id="not connected"),
        pytest.param(lambda module: _refuse(module, "AT+CSOSTATUS=0", "AT+CSOC?"), id="unknown"),
    ],
)
@on_virtual_time
async def test_retained_socket_that_is_lost(lost: Callable[[ScriptedModule], None]) -> None:
    """A socket that did not survive the sleep is made anew."""
    async with running(UDP, power_saving=RETAINED) as bench:
        bench.module.answer("AT+CSOSTATUS=0", "+CSOSTATUS: 0,2", "OK")
        await bench.opened("udp")
        await fall_asleep(bench)
        lost(bench.module)
        wake(bench.module)
        await bench.opened("udp")
        assert bench.module.times("AT+CSOC") == 2


def _refuse(module: ScriptedModule, *commands: str) -> None:
    for command in commands:
        module.answer(command, "ERROR")


@on_virtual_time
async def test_retained_socket_that_is_only_listed() -> None:
    """A firmware that does not tell a socket's status lists those that survived."""
    async with running(UDP, power_saving=RETAINED) as bench:
        _refuse(bench.module, "AT+CSOSTATUS=0")
        await bench.opened("udp")
        await fall_asleep(bench)
        wake(bench.module)
        await bench.opened("udp")
        assert (bench.module.times("AT+CSOC"), bench.module.times("AT+CSOCL")) == (1, 0)


@on_virtual_time
async def test_tcp_socket_is_open_on_demand_only() -> None:
    """An open TCP socket would keep the module awake: it is opened for what there is to send, and closed when idle."""
    async with running(TCP, power_saving=PSM) as bench:
        await bench.online()
        await asyncio.sleep(60)
        assert bench.module.times("AT+CSOC") == 0
        socket = await bench.opened("tcp")
        acknowledged = await socket.send(b"12")
        await asyncio.sleep(60)
        assert bench.phases("tcp") == [Phase.OPENING, Phase.OPEN]
        bench.module.say("SEND: 0,2")
        await acknowledged
        bench.module.say("+CSONMI: 0,2,31")
        await asyncio.sleep(9)
        assert bench.phases("tcp")[-1] is Phase.OPEN
        await asyncio.sleep(12)
        assert bench.phases("tcp")[-1] is Phase.CLOSED
        assert bench.module.times("AT+CSOCL") == 1
        await asyncio.sleep(600)
        assert bench.module.times("AT+CSOC") == 1
        await bench.opened("tcp")


@on_virtual_time
async def test_release_assistance_goes_before_the_last_piece() -> None:
    """The network is told that no more is to come right before what is last, and not in the middle of it."""
    saving = PowerSavingSettings(release_assistance=True)
    async with running(TCP, power_saving=saving) as bench:
        socket = await bench.opened("tcp")
        await socket.send(bytes(1000))
        said = [line.partition("=")[0] for line in bench.module.heard if "RAI" in line or "CSOSEND=" in line]
        assert said[-2:] == ["AT+CNBIOTRAI", "AT+CSOSEND"]
        assert said.count("AT+CNBIOTRAI") == 1
        assert said.count("AT+CSOSEND") > 1


@on_virtual_time
async def test_light_sleep_is_woken() -> None:
    """Before a command on a line that rested, an AT wakes the module; before one that follows soon, none."""
    async with running(power_saving=PowerSavingSettings(light_sleep=True)) as bench:
        await bench.online()
        await asyncio.sleep(60)
        before = len(bench.module.heard)
        await bench.modem.module.ping("198.51.100.7", 1)
        assert bench.module.heard[before:][:2] == ["AT", 'AT+CIPPING="198.51.100.7",1,32,100']


@on_virtual_time
async def test_power_saving_on_request_lasts_over_sessions() -> None:
    """Another power saving is set at once and again after the port was opened afresh; switching it off is too."""
    async with running(UDP) as bench:
        await bench.online()
        await bench.modem.save_power(PSM)
        assert 'AT+CPSMS=1,,,"00101100","00011110"' in bench.module.heard
        bench.module.unplug()
        await bench.module.hears('AT+CPSMS=1,,,"00101100","00011110"', times=2)
        await bench.online()
        with pytest.raises(ValueError, match="must"):
            await bench.modem.save_power(PowerSavingSettings(active_time=20_000))
        assert bench.modem.settings.power_saving == PSM
        await bench.modem.save_power(None)
        assert orders(bench.module)[-2:] == ["AT+CPSMS=0", "AT+CSCLK=0"]
