"""The bridge in the field beside two scripts: what arrives, when, and what it costs, in the emulator's profiles.

Everything is drawn by the model of the field, with the same dice for all three; the clock is faster than the world's.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim7020_emulator.field import rows
from sim7020_emulator.field.quantiles import Quantiles
from tests.bench import field_company
from tests.bench.field_company import Company, company
from tests.bench.field_life import Return, Rhythm, Stall, returns, rhythms, stalls
from tests.bench.field_place import SENDERS, Case
from tests.bench.figures import DOCUMENT, Goal, Plot, Result, Table, percentile
from tests.field_model import ENERGIES

PROFILES: Final = ("field-good", "field-edge", "field-cellar", "field-bad-vendor", "field-day")
PLOTS: Final = DOCUMENT.with_name("field")
"""Where the plots go."""

STALLS: Final = (92.0, 300.0)
"""Seconds: the longest round trip at level 1, and that of the slowest vendor."""

_NONE: Final = "none published"
_UDP_HEADERS: Final = 28
_LEVELS: Final = {"field-good": 0, "field-edge": 1, "field-cellar": 2}
_INTERVAL: Final = 60.0
_SLOW: Final = {"field-bad-vendor": 300.0}
"""Seconds between two messages where a minute is too short for most connections to be over."""

_ZAF: Final = {20: "mean 20.0 (16 bytes)", 128: "mean 21.0", 512: "mean 13.8"}
"""Mean latency of the slowest vendor."""

_JOULES: Final = 0.25
_MORE: Final = 0.01
_BESIDE: Final = 0.1
_STEPS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Args:
        messages: In each combination.
        returns: Of a module that was off, for each profile and sender.
        profiles: Which.
        sizes: Of messages, in bytes.
        stalls: How long the network stalls, each time.
        bursts: How often several messages are published at once.
    """

    messages: int = 120
    returns: int = 40
    profiles: Sequence[str] = PROFILES
    sizes: Sequence[int] = (20, 128, 512)
    stalls: Sequence[float] = STALLS
    bursts: int = 60


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured."""

    rhythms: Mapping[Case, Rhythm]
    returns: Mapping[Case, Sequence[Return]]
    stalls: Mapping[Case, Sequence[Stall]]
    company: Sequence[Company]


def measure(effort: Effort) -> Result:
    """Measure it: each profile by itself, and all its combinations at a time."""
    steady: dict[Case, Rhythm] = {}
    for profile in effort.profiles:
        cases = [
            Case(profile, stream, assisted, size, sender)
            for stream in (False, True)
            for assisted in (False, True)
            for size in effort.sizes
            for sender in SENDERS
        ]
        found = rhythms(cases, effort.messages, _SLOW.get(profile, _INTERVAL), _SEED)
        steady |= zip(cases, found, strict=True)
    smallest = min(effort.sizes)
    off = [
        Case(profile, stream=False, assisted=False, size=smallest, sender=sender)
        for profile in effort.profiles
        for sender in SENDERS
    ]
    still = [
        Case(profile, stream, assisted=False, size=smallest, sender="bridge")
        for profile in effort.profiles
        for stream in (False, True)
    ]
    return result(
        Found(
            steady,
            dict(zip(off, returns(off, effort.returns, _SEED), strict=True)),
            dict(zip(still, stalls(still, effort.stalls, _SEED), strict=True)),
            company(effort.bursts, _SEED),
        )
    )


def result(found: Found) -> Result:
    """Make tables, plots and goals of what was measured."""
    tables = []
    for stream, name in ((False, "udp"), (True, "tcp")):
        some = {case: rhythm for case, rhythm in found.rhythms.items() if case.stream is stream}
        tables += [_delivery(f"field-{name}", some), _cost(f"field-{name}-cost", some)]
    return Result(
        [*tables, _recovery(found.returns), _stalled(found.stalls), field_company.table(found.company)],
        plots(found.rhythms),
        goals(found),
    )


def _combinations(found: Mapping[Case, Rhythm]) -> Iterable[tuple[Case, Sequence[Rhythm]]]:
    """Yield the bridge's case and what came of it with each sender."""
    for case in found:
        if case.sender == SENDERS[0]:
            yield case, [found[_by(case, sender)] for sender in SENDERS]


def _by(case: Case, sender: str) -> Case:
    return Case(case.profile, case.stream, case.assisted, case.size, sender)


def _beside(found: Sequence[Rhythm], figure: Callable[[Rhythm], str]) -> str:
    return " · ".join(figure(rhythm) for rhythm in found)


def _part(values: Callable[[Rhythm], Sequence[float]], part: float) -> Callable[[Rhythm], str]:
    def figure(rhythm: Rhythm) -> str:
        return f"{percentile(values(rhythm), part):.3g}" if values(rhythm) else "-"

    return figure


def _words(case: Case) -> tuple[str, str, str]:
    return case.profile, "yes" if case.assisted else "no", str(case.size)


def _delivery(mark: str, found: Mapping[Case, Rhythm]) -> Table:
    lines = []
    for case, all_of_them in _combinations(found):
        figures = (
            _beside(all_of_them, lambda rhythm: f"{len(rhythm.latencies) / rhythm.sent:.1%}".rstrip("%")),
            *(_beside(all_of_them, _part(lambda rhythm: rhythm.latencies, part)) for part in (50, 95, 99)),
            _beside(all_of_them, _part(lambda rhythm: rhythm.ages, 95)),
        )
        lines.append((*_words(case), *figures, _published_trip(case)))
    head = ("profile", "RAI", "bytes", "delivered, %", "latency p50, s", "p95", "p99", "age p95, s", "published")
    return Table(mark, head, lines, words=3)


def _published_trip(case: Case) -> str:
    """Return the published round trip from idle, of which a message's way is a part."""
    if case.stream or case.assisted:
        return _NONE
    if case.profile == "field-bad-vendor":
        return _ZAF.get(case.size, _NONE)
    row: Quantiles | None = None
    match case.profile:
        case "field-good" if case.size in rows.ROUND_TRIP_SIZES:
            row = rows.ROUND_TRIP[rows.ROUND_TRIP_SIZES.index(case.size)]
        case "field-edge" if case.size == rows.ROUND_TRIP_SIZES[0]:
            row = rows.ROUND_TRIP_1
        case "field-cellar" if case.size == rows.ROUND_TRIP_SIZES[0]:
            row = rows.ROUND_TRIP_2
    return _NONE if row is None else "round trip " + " · ".join(f"{row.at(part):.3g}" for part in (0.5, 0.95, 0.99))


def _cost(mark: str, found: Mapping[Case, Rhythm]) -> Table:
    lines = []
    for case, all_of_them in _combinations(found):
        billed = _NONE if case.stream else f"{case.size + _UDP_HEADERS}"
        figures = (
            _beside(all_of_them, lambda rhythm: f"{rhythm.packets / rhythm.sent:.3g}"),
            _beside(all_of_them, lambda rhythm: f"{rhythm.billed / rhythm.sent:.0f}"),
            billed,
            _beside(all_of_them, _part(lambda rhythm: rhythm.joules, 50)),
            _beside(all_of_them, lambda rhythm: f"{sum(rhythm.joules) / rhythm.sent:.3g}"),
            _published_joules(case),
        )
        lines.append((*_words(case), *figures))
    head = (
        "profile",
        "RAI",
        "bytes",
        "packets a message",
        "bytes billed",
        "published",
        "J p50",
        "J mean",
        "published p50",
    )
    return Table(mark, head, lines, words=3)


def _published_joules(case: Case) -> str:
    level = _LEVELS.get(case.profile)
    if case.stream or level is None or case.size != rows.ROUND_TRIP_SIZES[0]:
        return _NONE
    row = f"{'release assistance 1' if case.assisted else 'no release assistance'}, level {level}"
    return next(f"{energy.published[1]:.3g}" for energy in ENERGIES if energy.name == row)


def _recovery(found: Mapping[Case, Sequence[Return]]) -> Table:
    lines: list[tuple[str, ...]] = []
    for case, several in found.items():
        if case.sender == SENDERS[0]:
            lines.append((case.profile, "radio on to registered", *_published_attach(case.profile), "", ""))
            lines.append(("", "module online", *_spread([each.online for each in several], len(several)), "", ""))
        arrived = [math.inf if each.arrived is None else each.arrived for each in several]
        lost = f"{sum(each.lost for each in several)} of {sum(each.sent for each in several)}"
        attaches = f"{sum(each.attaches for each in several) / len(several):.3g}"
        lines.append(("", f"{case.sender}: message at the server", *_spread(arrived, len(several)), lost, attaches))
    head = ("profile", "what", "of", "p50, s", "p95", "most", "messages lost", "attaches")
    return Table("field-recovery", head, lines, words=2)


def _spread(values: Sequence[float], count: int) -> tuple[str, str, str, str]:
    return (str(count), *(f"{percentile(values, part):.3g}" for part in (50, 95, 100)))  # type: ignore[return-value]


def _published_attach(profile: str) -> tuple[str, str, str, str]:
    match profile:
        case "field-good" | "field-day":
            return ("GER, 156", *(f"{rows.ATTACH.at(part):.3g}" for part in (0.5, 0.95, 1)))  # type: ignore[return-value]
        case "field-edge":
            return "GER, 5", "14", _NONE, _NONE
        case "field-bad-vendor":
            return "ZAF", "means 1.9 to 97", _NONE, _NONE
        case _:
            return _NONE, "", "", ""


def _stalled(found: Mapping[Case, Sequence[Stall]]) -> Table:
    lines = [
        (
            case.profile,
            "TCP" if case.stream else "UDP",
            f"{stall.seconds:g}",
            str(stall.sent),
            str(stall.arrived),
            ", ".join(stall.steps) or "none",
            str(stall.opened),
        )
        for case, several in found.items()
        for stall in several
    ]
    head = ("profile", "protocol", "stall, s", "messages", "delivered", "recovery steps", "sockets opened anew")
    return Table("field-stalls", head, lines, words=2)


def plots(found: Mapping[Case, Rhythm]) -> list[Plot]:
    """Draw what part had arrived by when, and what a message costs with release assistance and without."""
    drawn = []
    for profile in dict.fromkeys(case.profile for case in found):
        cases = [case for case in found if case.profile == profile and not case.stream]
        smallest, assisted = min((case.size, case.assisted) for case in cases)
        lines: dict[str, Sequence[tuple[float, float]]] = {
            case.sender: [
                (step, 100 * sum(latency <= step for latency in found[case].latencies) / found[case].sent)
                for step in _STEPS
            ]
            for case in cases
            if (case.size, case.assisted) == (smallest, assisted)
        }
        title = f"{profile}: {smallest} bytes over UDP, % at the server within so many seconds"
        drawn.append(Plot(f"latency-{profile}", title, "seconds", lines, high=100, folder=PLOTS))
    costs: dict[str, Sequence[tuple[float, float]]] = {}
    for case, rhythm in found.items():
        if case.sender == SENDERS[0] and not case.stream:
            name = f"{case.profile.removeprefix('field-')}, {'RAI' if case.assisted else 'none'}"
            if case.profile in _LEVELS:
                costs[name] = [*costs.get(name, ()), (case.size, percentile(rhythm.joules, 50))]
    if costs:
        drawn.append(Plot("joules", "The bridge over UDP: J a message, median", "bytes", costs, folder=PLOTS))
    return drawn


def goals(found: Found) -> list[Goal]:
    """Hold the bridge to what it is aimed at."""
    bridge = {case: rhythm for case, rhythm in found.rhythms.items() if case.sender == SENDERS[0]}
    off = {case: several for case, several in found.returns.items() if case.sender == SENDERS[0]}
    datagrams = {case: rhythm for case, rhythm in bridge.items() if not case.stream}
    streams = [rhythm for case, rhythm in bridge.items() if case.stream]
    return [
        *_joules_goals(datagrams),
        _billed_goal(datagrams, off),
        _datagrams_goal(datagrams.values()),
        Goal(
            "over TCP: every message delivered, none twice",
            f"{sum(len(each.latencies) for each in streams)} of {sum(each.sent for each in streams)}, "
            f"{sum(each.again for each in streams)} twice",
            all(len(each.latencies) == each.sent and not each.again for each in streams),
        ),
        _late_goal(found.rhythms),
        _assistance_goal(bridge),
        Goal(
            "in a steady rhythm: no recovery step, no socket opened anew",
            f"{sum(len(each.steps) for each in bridge.values())} steps, "
            f"{sum(each.opened - 1 for each in bridge.values())} opened anew",
            all(not each.steps and each.opened == 1 for each in bridge.values()),
        ),
        *_return_goals([each for several in off.values() for each in several]),
        _stall_goal([each for several in found.stalls.values() for each in several]),
        _company_goal(found.company),
    ]


def _joules_goals(found: Mapping[Case, Rhythm]) -> list[Goal]:
    costs = {
        case.size: round(percentile(rhythm.joules, 50), 3)
        for case, rhythm in found.items()
        if case.profile == "field-good" and case.assisted
    }
    return [
        Goal(
            f"with release assistance at level 0, {size} bytes over UDP: median at most {_JOULES} J a message",
            f"{joules:.3f} J",
            joules <= _JOULES,
        )
        for size, joules in costs.items()
    ]


def _billed_goal(steady: Mapping[Case, Rhythm], off: Mapping[Case, Sequence[Return]]) -> Goal:
    most = max(
        [rhythm.billed / rhythm.sent / (case.size + _UDP_HEADERS) - 1 for case, rhythm in steady.items()]
        + [
            sum(each.billed for each in several) / sum(each.sent for each in several) / (case.size + _UDP_HEADERS) - 1
            for case, several in off.items()
        ]
    )
    text = "bytes billed a message over UDP, recovery included: at most payload + 28 + 1 %"
    return Goal(text, f"{most:+.1%} at the most", most <= _MORE)


def _datagrams_goal(found: Iterable[Rhythm]) -> Goal:
    several = list(found)
    sent, came = sum(each.sent for each in several), sum(len(each.latencies) for each in several)
    lost, again = sum(each.lost for each in several), sum(each.again for each in several)
    return Goal(
        "over UDP: all delivered but what the network lost, none twice",
        f"{came} of {sent}, {lost} lost, {again} twice",
        came == sent - lost and not again,
    )


def _median(latencies: Sequence[float]) -> float:
    return percentile(latencies, 50) if latencies else math.inf


def _late_goal(found: Mapping[Case, Rhythm]) -> Goal:
    later = max((_median(of[0].latencies) - _median(of[1].latencies), case.name) for case, of in _combinations(found))
    text = f"latency p50: at most {_BESIDE:g} s more than the script's"
    return Goal(text, f"{later[0]:.2f} s at the most ({later[1]})", later[0] <= _BESIDE)


def _assistance_goal(found: Mapping[Case, Rhythm]) -> Goal:
    sent = sum(rhythm.sent for case, rhythm in found.items() if case.assisted)
    asked = sum(rhythm.asked for rhythm in found.values())
    return Goal("release assistance asked for with each message that should", f"{asked} of {sent}", asked == sent)


def _return_goals(found: Sequence[Return]) -> list[Goal]:
    attaches = max(each.attaches for each in found)
    return [
        Goal(
            "a module that was off: attached once each time",
            f"{attaches} times at the most, of {len(found)}",
            attaches == 1,
        ),
        Goal(
            "a module that was off: every message delivered but what the network lost",
            f"{sum(each.sent - each.lost for each in found)} of {sum(each.sent for each in found)}, "
            f"{sum(each.dropped for each in found)} lost",
            all(each.lost == each.dropped for each in found),
        ),
    ]


def _stall_goal(found: Sequence[Stall]) -> Goal:
    return Goal(
        f"stalls of {' and '.join(f'{seconds:g}' for seconds in STALLS)} s: no recovery step, no socket opened anew",
        f"{sum(len(each.steps) for each in found)} steps, {sum(each.opened for each in found)} opened anew",
        not any(each.steps or each.opened for each in found),
    )


def _company_goal(found: Sequence[Company]) -> Goal:
    """Hold it to the last one, and the first if it is gone before the second is there."""
    several = [each for each in found if each.together > 1 and each.case.assisted]
    asked, bursts = sum(each.asked for each in several), sum(each.sent // each.together for each in several)
    text = "of several messages at once, release assistance asked for with two at the most: the first, and the last"
    return Goal(text, f"{asked} times for {bursts}", asked <= 2 * bursts)
