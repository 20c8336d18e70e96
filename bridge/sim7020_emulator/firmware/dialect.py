"""How a real module spoke, as the head of a transcript has it.

A head ends at the first line of the dialogue. In it, ``# given: model=NAME``, ``# given: set NAME=VALUE`` and
``# given: variant NAME=VALUE`` say what an emulator has to be told to speak so; all else is for other readers.
"""

from dataclasses import dataclass, field
from pathlib import Path

from sim7020_emulator.mistakes import Mistake

_GIVEN = "# given: "


@dataclass(slots=True)
class Dialect:
    """What the head of a transcript gives; ``model`` is None where it names none."""

    model: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)


def read_dialect(path: Path) -> Dialect:
    """Read the head of a transcript; raises ``Mistake``."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise Mistake(f"can't read {path}: {reason}") from None
    if not any(line.startswith("# source: ") for line in lines):
        raise Mistake(f"{path} is no transcript: it has no line '# source: ...'")
    dialect = Dialect()
    for number, line in enumerate(lines, start=1):
        if line.startswith((">", "<", "# event: ")):
            break
        if line.startswith(_GIVEN):
            _take(line.removeprefix(_GIVEN), f"{path}:{number}", dialect)
    return dialect


def _take(given: str, place: str, dialect: Dialect) -> None:
    words, sign, value = given.partition("=")
    kind, _, name = words.rpartition(" ")
    if kind not in {"set", "variant"} and name != "model":
        return  # a peer, a name: what that one dialogue wanted
    if not sign or not value:
        raise Mistake(f"{place}: {given!r} has no value")
    match kind:
        case "set":
            dialect.facts[name] = value
        case "variant":
            dialect.variants[name] = value
        case _:
            dialect.model = value
