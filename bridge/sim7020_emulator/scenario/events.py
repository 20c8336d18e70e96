"""Every event that can happen to the emulated module: power, SIM, network, sockets, line and port."""

from collections.abc import Callable, Coroutine
from typing import Any

from sim7020_emulator.field.conditions import PROFILES
from sim7020_emulator.firmware.profile import SETTINGS
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.line.terminal import Terminal
from sim7020_emulator.line.uart import RATES
from sim7020_emulator.mistakes import Mistake, choose
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.module import Module
from sim7020_emulator.module.packet import LAST_CID
from sim7020_emulator.module.power import Power, SupplyTrouble
from sim7020_emulator.module.radio import Registration
from sim7020_emulator.scenario.line_events import LINE_WORDS
from sim7020_emulator.scenario.words import Action, Event, Target, Word, Words
from sim7020_emulator.sockets.internet import FailurePoint
from sim7020_emulator.sockets.table import SOCKETS

_CODES = tuple(str(code) for code in (-1, *range(1, 13)))
_RESET = 3
_SUPPLY = {
    "low": SupplyTrouble.UNDER_WARNING,
    "too-low": SupplyTrouble.UNDER_POWER_DOWN,
    "high": SupplyTrouble.OVER_WARNING,
    "too-high": SupplyTrouble.OVER_POWER_DOWN,
}
_OFF_TIME = 5.0
"""Seconds that the module stays without supply in a power cycle; the hardware design asks for as many."""


def read_event(text: str) -> Event:
    """Read one event; raises ``Mistake``."""
    words = Words(text)
    name = words.choice("the event", tuple(_BY_NAME))
    word = _BY_NAME[name]
    try:
        action = word.read(words)
        words.end()
    except Mistake as mistake:
        raise Mistake(f"{text!r}: {mistake} (usage: {word.usage})") from None
    return Event(text, action)


def _on_module(action: Callable[[Module], None]) -> Action:
    return lambda target: action(target.module)


def _alone(action: Callable[[Module], None]) -> Callable[[Words], Action]:
    """Declare an event that is told by its name alone."""
    return lambda _words: _on_module(action)


def _detach(module: Module) -> None:
    if module.radio.registered:
        module.lose_network()


def _cut(module: Module) -> None:
    module.supplied = False
    module.power_off()


def _switch_on(module: Module) -> None:
    module.supplied = True
    if module.power is Power.OFF:
        module.power_on()


def _power(words: Words) -> Action:
    match words.choice("the power", ("off", "on", "cycle")):
        case "off":
            return _on_module(_cut)
        case "on":
            return _on_module(_switch_on)
        case _:
            seconds = words.seconds("SECONDS") if words.left else _OFF_TIME

            def cycle(module: Module) -> None:
                _cut(module)
                module.schedule.timer(seconds, lambda: _switch_on(module))

            return _on_module(cycle)


def _reboot(words: Words) -> Action:
    greets = words.choice("the reboot", ("greeting", "silent"), "greeting") == "greeting"
    return _on_module(lambda module: module.restart(greets=greets) if module.power is not Power.OFF else None)


def _sleep(words: Words) -> Action:
    seconds = words.duration()

    def action(module: Module) -> None:
        module.fall_asleep()
        if seconds is not None:
            module.schedule.timer(seconds, module.wake)

    return _on_module(action)


def _supply(words: Words) -> Action:
    trouble = _SUPPLY[words.choice("the supply", tuple(_SUPPLY))]
    return _on_module(lambda module: module.supply(trouble) if module.power is Power.ON else None)


def _sim(words: Words) -> Action:
    state = words.choice("the SIM", ("ready", "pin", "puk", "absent", "failed"))

    def action(module: Module) -> None:
        if state == "ready":
            module.facts.pin_tries = 3
        module.change_sim(state)

    return _on_module(action)


def _registration(words: Words) -> Action:
    value = words.text("the registration")
    Facts().set("registration", value)

    def action(module: Module) -> None:
        module.facts.set("registration", value)
        stat, _ = module.radio.outcome()
        able = module.power is Power.ON and module.profile.number("CFUN") == 1 and module.sim.ready
        if not able:
            return
        if stat in {Registration.HOME, Registration.ROAMING} and not module.radio.registered:
            module.attach()
        else:
            module.change_registration(value)

    return _on_module(action)


def _signal(words: Words) -> Action:
    rssi = words.text("RSSI")
    Facts().set("rssi", rssi)
    known = rssi != "99"
    dbm = -110 + 2 * int(rssi)

    def action(module: Module) -> None:
        for name, value in (("dbm", ""), ("cell_rssi", dbm), ("rsrp", dbm - 8), ("re_rsrp", dbm - 8)):
            module.facts.set(name, str(value) if known else "")
        module.change_fact("rssi", rssi)

    return _on_module(action)


def _back_off(words: Words) -> Action:
    seconds = words.seconds("SECONDS")
    return _on_module(lambda module: module.start_back_off(seconds))


def _pdn(words: Words) -> Action:
    words.choice("the PDN", ("lost",))
    cid = words.number("CID", 1, LAST_CID, 1)

    def action(module: Module) -> None:
        if cid in module.packet.contexts:
            module.deactivate(cid, by_network=True)

    return _on_module(action)


def _socket(words: Words) -> Action:
    what = words.choice("the end", ("close", "reset", *_CODES))
    only = words.number("ID", 0, SOCKETS - 1) if words.left else None

    def action(module: Module) -> None:
        codes = {"close": module.facts.close_code, "reset": _RESET}
        code = codes[what] if what in codes else int(what)
        for socket in module.sockets.all():
            if socket.real is not None and only in {None, socket.number}:
                module.sockets.fail(socket, code)
        for link in module.compatible.links if only is None else ():
            module.compatible.fail(link, link.real)

    return _on_module(action)


def _endpoint_fails(point: FailurePoint) -> Callable[[Words], Action]:
    def read(words: Words) -> Action:
        code = int(words.choice("CODE", _CODES))
        times = words.number("TIMES", 1, 1_000_000, 1)
        return _on_module(lambda module: module.internet.coming[point].extend([code] * times))

    return read


_connect_fails = _endpoint_fails(FailurePoint.CONNECT)
_send_fails = _endpoint_fails(FailurePoint.SEND)


def _lose_nothing(module: Module) -> None:
    module.bearer.loss = 0.0


def _loss(words: Words) -> Action:
    percent, seconds = words.number("PERCENT", 0, 100), words.duration()

    def action(module: Module) -> None:
        module.bearer.loss = percent / 100
        if seconds is not None:
            module.schedule.timer(seconds, lambda: _lose_nothing(module))

    return _on_module(action)


def _swallow(words: Words) -> Action:
    seconds = words.duration()

    def action(target: Target) -> None:
        internet = target.module.internet

        def end() -> None:
            internet.swallowing = False
            target.log("fault: end of swallow")

        internet.swallowing = seconds != 0
        if seconds:
            target.module.schedule.timer(seconds, end)

    return action


def _profile(words: Words) -> Action:
    name = words.choice("NAME", (*PROFILES, "none"))
    return _on_module(lambda module: module.place.play(PROFILES.get(name)))


def _set(words: Words) -> Action:
    name, value = words.pair("the fact")
    Facts().set(name, value)
    return _on_module(lambda module: module.change_fact(name, value))


def _setting(words: Words) -> Action:
    name, value = words.pair("the setting")
    choose("the setting", name, tuple(SETTINGS))
    number = isinstance(SETTINGS[name].factory, int)
    if number and not value.isdecimal():
        raise Mistake(f"the setting {name} can't be {value!r}; it is a number")
    return _on_module(lambda module: module.profile.set(name, int(value) if number else value))


def _save(module: Module) -> None:
    module.profile.save()


def _variant(words: Words) -> Action:
    name, value = words.pair("the variant")
    Variants().set(name, value)
    return _on_module(lambda module: module.variants.set(name, value))


def _rate(words: Words) -> Action:
    rate = int(words.choice("BAUD", tuple(str(rate) for rate in RATES if rate)))

    def action(module: Module) -> None:
        module.profile.set("IPR", rate)
        module.on_rate(rate)

    return _on_module(action)


def _port(words: Words) -> Action:
    what = words.choice("the port", ("close", "open", "move"))
    seconds = words.duration() if what == "close" else None

    async def carry_out(target: Target, port: Terminal) -> None:
        try:
            match what:
                case "move":
                    await port.move()
                case "open":
                    await port.close()
                    await port.open()
                case _:
                    await port.close()
                    if seconds is not None:
                        await target.module.schedule.wait(seconds)
                        await port.open()
        except (Mistake, OSError) as error:
            target.log(f"the port did not come back: {error}")

    return _on_port(carry_out)


def _slam(words: Words) -> Action:
    seconds, text = words.seconds("SECONDS"), words.text("TEXT", "")

    async def carry_out(target: Target, port: Terminal) -> None:
        port.slams = f"{text}\r\n".encode() if text else b""
        await port.move()
        await target.module.schedule.wait(seconds)
        port.slams = None
        target.log("fault: end of slam")

    return _on_port(carry_out)


def _on_port(carry_out: Callable[[Target, Terminal], Coroutine[Any, Any, None]]) -> Action:
    def action(target: Target) -> None:
        if target.port is None:
            target.log("the port is not ours to close")
            return
        target.module.schedule.start(carry_out(target, target.port), "port")

    return action


def _note(words: Words) -> Action:
    words.text("TEXT")
    return lambda _target: None


WORDS: tuple[Word, ...] = (
    Word("pwrkey", "press PWRKEY: starts the module, wakes it from PSM, or turns it off", _alone(Module.press_pwrkey)),
    Word("power off|on|cycle [SECONDS]", "cut the supply, restore it, or both with SECONDS (5) between", _power),
    Word("reboot [greeting|silent]", "restart by itself, with its greeting (default) or without a word", _reboot),
    Word("sleep [SECONDS]", "enter PSM whatever forbids it, until SECONDS later, the periodic TAU or PWRKEY", _sleep),
    Word("wake", "leave PSM by itself", _alone(Module.wake)),
    Word("supply low|too-low|high|too-high", "warn of the supply voltage; with too- go off after it", _supply),
    Word("sim ready|pin|puk|absent|failed", "put another SIM in, take it out, or let it fail", _sim),
    Word("registration VALUE", "the network changes its mind, as the fact of that name has it", _registration),
    Word("signal RSSI", "signal as +CSQ prints it, 0-31 or 99; the cell's figures follow", _signal),
    Word("detach", "the network detaches the module, which searches again", _alone(_detach)),
    Word("back-off SECONDS", "the same with T3346: no attach is tried before it has run out", _back_off),
    Word("pdn lost [CID]", "the network releases a PDN context (1)", _pdn),
    Word(
        "socket close|reset|CODE [ID]",
        "sockets end: closed by the peer, reset, or with that +CSOERR code; without ID, links too",
        _socket,
    ),
    Word("connect-fails CODE [TIMES]", "the next connections (1) fail with that +CSOERR code", _connect_fails),
    Word("send-fails CODE [TIMES]", "the next sends (1) fail with that +CSOERR code", _send_fails),
    Word("loss PERCENT [SECONDS]", "so many datagrams in a hundred are lost, both ways; 0 ends it", _loss),
    Word("swallow [SECONDS]", "nothing comes from a peer or gets there: connections hang; 0 ends it", _swallow),
    Word("profile NAME", "go over to another radio network, as --profile has it; none ends it", _profile),
    Word("set NAME=VALUE", "change a fact; what the network makes of the module counts at the next attach", _set),
    Word("setting NAME=VALUE", "change a setting of the module behind the host's back: E, CSCLK, CMEE, ...", _setting),
    Word("save", "save the settings as AT&W does, so that they outlast a restart", _alone(_save)),
    Word("variant NAME=VALUE", "go on as another firmware", _variant),
    Word("rate BAUD", "go over to another line rate without a word", _rate),
    Word("port close|open|move [SECONDS]", "unplug the port (for SECONDS), plug it in, or go to another pty", _port),
    Word("slam SECONDS [TEXT]", "for so long close the port whenever it is opened, after saying TEXT", _slam),
    Word("note TEXT", "only be written to the trace", _note),
    *LINE_WORDS,
)  # fmt: skip

_BY_NAME = {word.name: word for word in WORDS}
