"""The events that spoil the dialogue on the AT port."""

from collections.abc import Callable

from sim7020_emulator.at.answer import Spoiled, Withheld
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.line.faults import LineFaults, Rule, Spell
from sim7020_emulator.mistakes import choose
from sim7020_emulator.scenario.words import Act, Stage, Word, Words

_CME = tuple(str(int(code)) for code in Cme)
_MOST_BYTES = 65536
_MOST_LINES = 1000


def _on_line(act: Callable[[LineFaults], None]) -> Act:
    return lambda stage: act(stage.emulator.line_faults)


def _spell(spell: Spell) -> Callable[[Words], Act]:
    def read(words: Words) -> Act:
        seconds = words.duration()
        return _on_line(lambda line: line.cast(spell, seconds))

    return read


def _slow(words: Words) -> Act:
    delay, seconds = words.seconds("DELAY"), words.duration()

    def act(line: LineFaults) -> None:
        line.delay = delay
        line.cast(Spell.SLOW, seconds)

    return _on_line(act)


def _noise(words: Words) -> Act:
    percent, seconds = words.number("PERCENT", 1, 100), words.duration()

    def act(line: LineFaults) -> None:
        line.noise = percent / 100
        line.cast(Spell.NOISE, seconds)

    return _on_line(act)


def _garbage(words: Words) -> Act:
    count = words.number("BYTES", 1, _MOST_BYTES)
    return _on_line(lambda line: line.garbage(count))


def _mend(_words: Words) -> Act:
    return _on_line(lambda line: line.mend())


def _withhold(withheld: Withheld) -> Callable[[Words], Act]:
    def read(words: Words) -> Act:
        pattern, times = words.text("PATTERN"), words.count("TIMES")
        return _on_line(lambda line: line.add(Rule(pattern, Spoiled(withheld=withheld), times)))

    return read


def _late(words: Words) -> Act:
    pattern, delay, times = words.text("PATTERN"), words.seconds("DELAY"), words.count("TIMES")
    return _on_line(lambda line: line.add(Rule(pattern, Spoiled(delay=delay), times)))


def _refuse(words: Words) -> Act:
    pattern = words.text("PATTERN")
    code = choose("CODE", words.text("CODE", "ERROR"), ("ERROR", *_CME))
    times = words.count("TIMES")

    def act(line: LineFaults) -> None:
        refusal: Refused = PlainError() if code == "ERROR" else MobileEquipmentError(Cme(int(code)))
        line.add(Rule(pattern, Spoiled(refusal=refusal), times))

    return _on_line(act)


def _urc(words: Words) -> Act:
    text, times = words.text("TEXT"), words.number("TIMES", 1, _MOST_LINES, 1)

    def act(stage: Stage) -> None:
        for _ in range(times):
            stage.emulator.module.emit_urc(text)

    return act


def _storm(words: Words) -> Act:
    seconds, rate = words.seconds("SECONDS"), words.number("RATE", 1, _MOST_LINES)
    text = words.text("TEXT", "")

    async def rage(stage: Stage) -> None:
        module = stage.emulator.module
        for number in range(round(seconds * rate)):
            module.emit_urc(text or f"+CSQN: {number % 32},0")
            await stage.emulator.schedule.wait(1 / rate)

    def act(stage: Stage) -> None:
        stage.emulator.schedule.start(rage(stage), "storm")

    return act


LINE_WORDS: tuple[Word, ...] = (
    Word("deaf [SECONDS]", "hear nothing and say nothing, or until the module goes off", _spell(Spell.DEAF)),
    Word("mute [SECONDS]", "hear and obey, but say nothing", _spell(Spell.MUTE)),
    Word("stuck-echo [SECONDS]", "send back whatever comes, and do nothing else", _spell(Spell.STUCK_ECHO)),
    Word("slow DELAY [SECONDS]", "answer each command DELAY seconds late", _slow),
    Word("noise PERCENT [SECONDS]", "change so many bytes in a hundred, both ways, until mended", _noise),
    Word("garbage BYTES", "say so many bytes without sense", _garbage),
    Word("withhold PATTERN [TIMES]", "carry matching lines out, and say nothing of it", _withhold(Withheld.ALL)),
    Word("no-final PATTERN [TIMES]", "leave out the final result of matching lines", _withhold(Withheld.FINAL)),
    Word("late PATTERN DELAY [TIMES]", "answer matching lines DELAY seconds late", _late),
    Word("refuse PATTERN [CODE] [TIMES]", "refuse matching lines: ERROR, or a +CME ERROR code", _refuse),
    Word("urc TEXT [TIMES]", "say something unsolicited", _urc),
    Word("storm SECONDS RATE [TEXT]", "say RATE unsolicited lines a second (+CSQN)", _storm),
    Word("mend", "end every fault of the dialogue", _mend),
)
