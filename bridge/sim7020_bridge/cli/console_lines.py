"""What both partners of the console share: how lines are asked for and shown."""

from typing import Final, Protocol

import click

from sim7020_bridge.cli.keyboard import Keyboard
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Kind
from sim7020_bridge.kit.decode.words import dotted

_TEXT_WIDTH: Final = 40
_BEGINNINGS: Final = ("at", "a/", "+++")
"""How a line begins that a module does not pass over (ITU-T V.250)."""
_HELP: Final = """\
AT+CSQ, AT+CEREG?, AT+CSOSEND=?   any AT command; what comes is explained
Ctrl-C                            ends it while an answer is waited for
exit, quit, Ctrl-D                leave"""


class Partner(Protocol):
    """Whom the console speaks with."""

    async def ask(self, line: str, within: float) -> bool:
        """Say a line and wait for its end; whether it came in time and was no refusal."""
        ...

    @property
    def wants_data(self) -> bool:
        """Whether the next line is payload."""
        ...


async def converse(keyboard: Keyboard, partner: Partner, within: float, failed: list[str]) -> None:
    """Carry lines from the keyboard to a partner until there are no more, or one says exit.

    What no module could answer is refused at once.
    """
    while (line := await keyboard.line("data> " if partner.wants_data else "AT> ")) is not None:
        word = line.strip().lower()
        if not word:
            continue
        if not partner.wants_data:
            if word in {"exit", "quit"}:
                return
            if word in {"help", "?"}:
                keyboard.show(_HELP)
                continue
        if partner.wants_data or word.startswith(_BEGINNINGS):
            done = await partner.ask(line, within)
        else:
            keyboard.show(click.style(f"{dotted(line.strip())} does not begin with AT; try help", fg="red"))
            done = False
        if not done and not keyboard.interactive:
            failed.append(line)


def shown(each: Explained) -> str:
    """Return a line with its explanation, as a terminal shows it."""
    arrow = ">" if each.direction is Direction.OUT else "<"
    text = dotted(each.text)
    colour = {Kind.FINAL: "green" if each.name == "OK" else "red", Kind.URC: "yellow"}.get(each.kind)
    return f"{click.style(f'{arrow} {text:<{_TEXT_WIDTH}}', fg=colour)} {click.style(each.explanation, dim=True)}"
