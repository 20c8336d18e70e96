"""The command line."""

import argparse
import os
import re
import sys
from pathlib import Path

from sim7020_emulator.emulator import Options, Setup
from sim7020_emulator.field.conditions import PROFILES
from sim7020_emulator.firmware.dialect import Dialect, read_dialect
from sim7020_emulator.firmware.variants import VARIANTS
from sim7020_emulator.line.uart import RATES
from sim7020_emulator.mistakes import Mistake, choose
from sim7020_emulator.module.facts import described
from sim7020_emulator.module.models import MODELS
from sim7020_emulator.scenario.events import WORDS, read_event
from sim7020_emulator.scenario.file import Scenario, find_scenario, shipped_names
from sim7020_emulator.scenario.random_life import RandomLife
from sim7020_emulator.sockets.internet import Echo, FailurePoint, is_address

_LARGEST_PORT = 65535
_LEAST_ORDER = 3
"""--tell, a path and a word."""


class _ListScenarios(argparse.Action):
    """Prints the scenarios and ends."""

    def __init__(self, option_strings: list[str], dest: str, help: str) -> None:  # noqa: A002 (argparse's name)
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            for name in shipped_names():
                sys.stdout.write(f"{name:<24} {find_scenario(name).description}\n")
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads, such as head, has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise Mistake(message)


def read_options(arguments: list[str]) -> Options:
    """Read the command line; raises ``Mistake``."""
    given = _parser().parse_args(arguments)
    dialect = Dialect() if given.like is None else read_dialect(Path(given.like))
    model = given.model or dialect.model or "sim7020e"
    source = "--model" if given.model or dialect.model is None else f"{given.like}: model"
    setup = Setup(model=MODELS[choose(source, model, tuple(MODELS))], baud=_baud(given.baud))
    setup.speed, setup.seed, setup.spoils = (
        _speed(given.speed),
        given.seed,
        max(0, given.spoil),
    )
    if given.profile is not None:
        setup.conditions = PROFILES[choose("--profile", given.profile, tuple(PROFILES))]
    _speak(setup, dialect, given.like)
    scenario = None if given.scenario is None else _scenario(given.scenario)
    if isinstance(scenario, Scenario):
        scenario.apply(setup.facts, setup.variants)
    for item in given.variant:
        setup.variants.set(*_pair("--variant", item))
    for item in given.set:
        setup.facts.set(*_pair("--set", item))
    for item in given.dns:
        add_name(setup, item)
    for item in given.ping:
        add_ping(setup, item)
    for item in given.route:
        add_route(setup, item)
    for item in given.fail:
        add_failure(setup, item)
    listen = None if given.tcp is None else _endpoint("--tcp", given.tcp)
    return Options(
        setup,
        link=None if given.link is None else Path(given.link),
        listen=listen,
        trace=None if given.trace is None else Path(given.trace),
        attached=given.attached,
        control=None if given.control is None else Path(given.control),
        scenario=scenario,
        events=tuple(read_event(text) for text in given.do),
    )


def read_order(arguments: list[str]) -> tuple[Path, list[str]] | None:
    """Read ``--tell PATH WORD...``; None if the command line is not that. Raises ``Mistake``."""
    if not arguments or arguments[0] != "--tell":
        return None
    if len(arguments) < _LEAST_ORDER:
        raise Mistake("--tell needs a PATH and the words of an event")
    return Path(arguments[1]), arguments[2:]


def _speak(setup: Setup, dialect: Dialect, file: str) -> None:
    try:
        for name, value in dialect.facts.items():
            setup.facts.set(name, value)
        for name, value in dialect.variants.items():
            setup.variants.set(name, value)
    except Mistake as mistake:
        raise Mistake(f"{file}: {mistake}") from None


def add_name(setup: Setup, item: str) -> None:
    """Add NAME=ADDR[,ADDR] or NAME=fail:CODE to the table of names."""
    name, value = _pair("--dns", item)
    if re.fullmatch(r"fail:\d{1,3}", value):
        setup.internet.names[name.lower()] = int(value[5:])
        return
    addresses = tuple(value.split(","))
    for address in addresses:
        _address("--dns", address)
    setup.internet.names[name.lower()] = addresses


def add_ping(setup: Setup, item: str) -> None:
    """Add ADDR=T,T,lost,...[@TTL] to the table of pings."""
    address, value = _pair("--ping", item)
    _address("--ping", address)
    times, _, ttl = value.partition("@")
    if not re.fullmatch(r"(\d{1,4}|lost)(,(\d{1,4}|lost))*", times) or not re.fullmatch(r"\d{0,3}", ttl):
        raise Mistake(f"--ping {item!r}: give times in 100 ms units or lost, by comma, and @TTL if you like")
    hops = int(ttl or 52)
    setup.internet.pings[address] = tuple(
        Echo(None) if time == "lost" else Echo(int(time), hops) for time in times.split(",")
    )


def add_route(setup: Setup, item: str) -> None:
    """Add ADDR[:PORT]=HOST[:PORT]: where an endpoint really is; ADDR[:PORT]=nowhere swallows all that goes there."""
    here, there = _pair("--route", item)
    place = _loose_endpoint("--route", here)
    if there == "nowhere":
        setup.internet.swallowed.add(place)
    else:
        setup.internet.routes[place] = _loose_endpoint("--route", there)


def add_failure(setup: Setup, item: str) -> None:
    """Add ADDR:PORT=CODE[@connect|@send|@later]: an endpoint that fails."""
    endpoint, value = _pair("--fail", item)
    code, _, moment = value.partition("@")
    if not re.fullmatch(r"-1|[1-9]|1[0-2]", code):
        raise Mistake(f"--fail {item!r}: the code is -1 or 1 to 12")
    when = FailurePoint(choose("--fail: the moment", moment or "connect", tuple(FailurePoint)))
    setup.internet.failures[_endpoint("--fail", endpoint)] = (int(code), when)


def _pair(option: str, item: str) -> tuple[str, str]:
    name, sign, value = item.partition("=")
    if not sign or not name:
        raise Mistake(f"{option} {item!r}: give NAME=VALUE")
    return name, value


def _address(option: str, text: str) -> str:
    if not is_address(text):
        raise Mistake(f"{option}: {text!r} is not a numeric address")
    return text


def _loose_endpoint(option: str, text: str) -> tuple[str, int | None]:
    if ":" not in text:
        return text, None
    return _endpoint(option, text)


def _endpoint(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LARGEST_PORT:
        raise Mistake(f"{option}: {text!r} is not HOST:PORT with a port up to {_LARGEST_PORT}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _scenario(name: str) -> Scenario | RandomLife:
    kind, colon, seed = name.partition(":")
    if kind != "random":
        return find_scenario(name)
    if not colon or not seed.isdecimal():
        raise Mistake(f"--scenario can't be {name!r}; it is random:SEED with a number as the seed")
    return RandomLife(int(seed))


def _baud(text: str | None) -> int | None:
    if text is None:
        return None
    choose("--baud", text, tuple(str(rate) for rate in RATES))
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1_000_000:  # noqa: PLR2004 (beyond it, timers drown in the loop's own delays)
        raise Mistake(f"--speed can't be {text!r}; it is a number from 0 (no delays) to 1000000")
    return speed


def _parser() -> argparse.ArgumentParser:
    variants = "\n".join(f"  {v.name}={'|'.join(v.choices)}\n      {v.meaning}" for v in VARIANTS)
    facts = "\n".join(f"  {name}={default}\n      {meaning}" for name, default, meaning in described())
    events = "\n".join(f"  {word.usage}\n      {word.meaning}" for word in WORDS)
    parser = _Parser(
        prog="sim7020-emulator",
        description="A SIM7020 in software: a pty or TCP port that answers AT commands, with real sockets.",
        epilog=f"variants (the first value is the default):\n{variants}\n\nfacts (with their defaults):\n{facts}\n\n"
        f"events (for scenarios and --control):\n{events}\n\n"
        "--like FILE takes model, facts and variants from FILE's head; those of other options go before them.\n"
        "--tell PATH WORD... sends one event to the emulator whose --control is PATH, and ends.\n"
        "SIGUSR1 presses PWRKEY. SIGTERM and SIGINT end the emulator.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--link", metavar="PATH", help="make PATH a symbolic link to the pty")
    place.add_argument(
        "--tcp", metavar="HOST:PORT", help="listen there instead of opening a pty; port 0 takes a free one"
    )
    parser.add_argument("--model", metavar="NAME", help="sim7020c, sim7020e (default) or sim7020g")
    parser.add_argument(
        "--like", metavar="FILE", help="behave like the module that sim7020-bridge accept wrote FILE of; see below"
    )
    parser.add_argument("--baud", metavar="RATE", help="line rate; 0: as fast as it goes (default: the model's)")
    parser.add_argument(
        "--speed", default="1.0", metavar="X", help="2: the module is twice as fast; 0: no delays at all"
    )
    parser.add_argument("--attached", action="store_true", help="start registered and with a PDN, without the boot")
    parser.add_argument(
        "--scenario", metavar="NAME|FILE.toml|random:SEED", help="let things happen to the module; see --scenarios"
    )
    parser.add_argument(
        "--profile", metavar="NAME", help=f"a radio network as in the field: {', '.join(PROFILES)} (default: none)"
    )
    parser.add_argument("--scenarios", action=_ListScenarios, help="list the scenarios that come with the emulator")
    parser.add_argument(
        "--seed",
        type=int,
        default=7020,
        metavar="N",
        help="of noise and of what else is random on the line and in the field",
    )
    parser.add_argument(
        "--spoil", type=int, default=0, metavar="LINES", help="change a byte of about one in so many lines that it says"
    )
    parser.add_argument("--control", metavar="PATH", help="take events from a Unix socket at PATH, one a line")
    parser.add_argument("--trace", metavar="FILE", help="write the dialogue to FILE as it happens")
    for name, metavar, text in (
        ("do", "EVENT", "let an event happen at the start, in the words below"),
        ("variant", "NAME=VALUE", "play another firmware, see below"),
        ("set", "NAME=VALUE", "set a fact of the module or its network, see below"),
        ("dns", "NAME=ADDR[,ADDR]", "a name's addresses; NAME=fail:8 for a failure"),
        ("ping", "ADDR=T,lost,...[@TTL]", "replies to a ping in 100 ms units"),
        ("route", "ADDR[:PORT]=HOST[:PORT]|nowhere", "where an endpoint really is; nowhere: all is swallowed"),
        ("fail", "ADDR:PORT=CODE[@MOMENT]", "an endpoint that fails at connect, send or later"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)
    return parser
