"""The events that spoil the dialogue on the AT port."""

from collections.abc import Callable

from sim7020_emulator.at.answer import Spoiled, Withheld
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.line.faults import Fault, LineFaults, Rule
from sim7020_emulator.mistakes import choose
from sim7020_emulator.scenario.words import Action, Target, Word, Words

_CME = tuple(str(int(code)) for code in Cme)
_MOST_BYTES = 65536
_MOST_LINES = 1000


def _on_line(action: Callable[[LineFaults], None]) -> Action:
    return lambda target: action(target.line)


def _line_fault(fault: Fault) -> Callable[[Words], Action]:
    def read(words: Words) -> Action:
        seconds = words.duration()
        return _on_line(lambda line: line.begin(fault, seconds))

    return read


def _slow(words: Words) -> Action:
    delay, seconds = words.seconds("DELAY"), words.duration()

    def action(line: LineFaults) -> None:
        line.delay = delay
        line.begin(Fault.SLOW, seconds)

    return _on_line(action)


def _noise(words: Words) -> Action:
    percent, seconds = words.number("PERCENT", 1, 100), words.duration()

    def action(line: LineFaults) -> None:
        line.noise = percent / 100
        line.begin(Fault.NOISE, seconds)

    return _on_line(action)


def _spoil(words: Words) -> Action:
    lines, seconds = words.number("LINES", 0, _MOST_LINES * _MOST_LINES), words.duration()

    def action(line: LineFaults) -> None:
        line.one_in = lines
        if lines:
            line.begin(Fault.SPOIL, seconds)
        else:
            line.end(Fault.SPOIL)

    return _on_line(action)


def _lag(words: Words) -> Action:
    delay, seconds = words.seconds("DELAY"), words.duration()

    def action(line: LineFaults) -> None:
        line.lag = delay
        line.begin(Fault.LAG, seconds)

    return _on_line(action)


def _garbage(words: Words) -> Action:
    count = words.number("BYTES", 1, _MOST_BYTES)
    return _on_line(lambda line: line.garbage(count))


def _mend(_words: Words) -> Action:
    return _on_line(lambda line: line.mend())


def _withhold(withheld: Withheld) -> Callable[[Words], Action]:
    def read(words: Words) -> Action:
        pattern, times = words.text("PATTERN"), words.count("TIMES")
        return _on_line(lambda line: line.add(Rule(pattern, Spoiled(withheld=withheld), times)))

    return read


def _late(words: Words) -> Action:
    pattern, delay, times = words.text("PATTERN"), words.seconds("DELAY"), words.count("TIMES")
    return _on_line(lambda line: line.add(Rule(pattern, Spoiled(delay=delay), times)))


def _refuse(words: Words) -> Action:
    pattern = words.text("PATTERN")
    code = choose("CODE", words.text("CODE", "ERROR"), ("ERROR", *_CME))
    times = words.count("TIMES")

    def action(line: LineFaults) -> None:
        refusal: Refused = PlainError() if code == "ERROR" else MobileEquipmentError(Cme(int(code)))
        line.add(Rule(pattern, Spoiled(refusal=refusal), times))

    return _on_line(action)


def _misspell(words: Words) -> Action:
    pattern, times = words.text("PATTERN"), words.count("TIMES")
    return _on_line(lambda line: line.edit(Rule(pattern, line.misspelt, times)))


def _replace(words: Words) -> Action:
    pattern, text, times = words.text("PATTERN"), words.text("TEXT"), words.count("TIMES")
    return _on_line(lambda line: line.edit(Rule(pattern, lambda _: text, times)))


def _urc(words: Words) -> Action:
    text, times = words.text("TEXT"), words.number("TIMES", 1, _MOST_LINES, 1)

    def action(target: Target) -> None:
        for _ in range(times):
            target.module.emit_urc(text)

    return action


def _storm(words: Words) -> Action:
    seconds, rate = words.seconds("SECONDS"), words.number("RATE", 1, _MOST_LINES)
    text = words.text("TEXT", "")

    async def rage(target: Target) -> None:
        module = target.module
        for number in range(round(seconds * rate)):
            module.emit_urc(text or f"+CSQN: {number % 32},0")
            await target.module.schedule.wait(1 / rate)

    def action(target: Target) -> None:
        target.module.schedule.start(rage(target), "storm")

    return action


LINE_WORDS: tuple[Word, ...] = (
    Word("deaf [SECONDS]", "hear nothing and say nothing, or until the module goes off", _line_fault(Fault.DEAF)),
    Word("mute [SECONDS]", "hear and obey, but say nothing", _line_fault(Fault.MUTE)),
    Word("stuck-echo [SECONDS]", "send back whatever comes, and do nothing else", _line_fault(Fault.STUCK_ECHO)),
    Word("slow DELAY [SECONDS]", "answer each command DELAY seconds late", _slow),
    Word("noise PERCENT [SECONDS]", "change so many bytes in a hundred, both ways, until mended", _noise),
    Word("spoil LINES [SECONDS]", "change a byte of about one in so many lines that it says; 0 ends it", _spoil),
    Word("lag DELAY [SECONDS]", "let all that it says arrive DELAY seconds late, as over a slow link", _lag),
    Word("garbage BYTES", "say so many bytes without sense", _garbage),
    Word("withhold PATTERN [TIMES]", "carry matching lines out, and say nothing of it", _withhold(Withheld.ALL)),
    Word("no-final PATTERN [TIMES]", "leave out the final result of matching lines", _withhold(Withheld.FINAL)),
    Word("late PATTERN DELAY [TIMES]", "answer matching lines DELAY seconds late", _late),
    Word("refuse PATTERN [CODE] [TIMES]", "refuse matching lines: ERROR, or a +CME ERROR code", _refuse),
    Word("replace PATTERN TEXT [TIMES]", "say TEXT instead of matching lines, nothing if it is empty", _replace),
    Word("misspell PATTERN [TIMES]", "change one character of matching lines that it says", _misspell),
    Word("urc TEXT [TIMES]", "say something unsolicited", _urc),
    Word("storm SECONDS RATE [TEXT]", "say RATE unsolicited lines a second (+CSQN)", _storm),
    Word("mend", "end every fault of the dialogue", _mend),
)
