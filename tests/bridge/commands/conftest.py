"""What the tests of commands share."""

from collections.abc import Callable

import pytest

from sim7020_bridge.at.command import Answer, Command
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import FinalResult, Outcome

Ask = Callable[..., object]


@pytest.fixture
def ask() -> Ask:
    """Give a function that reads an answer: the lines that the command accepts, then OK."""

    def ask(command: Command[object], *texts: str) -> object:
        lines = tuple(line for line in map(Line.of, texts) if command.answers(line))
        return command.read(Answer(lines, FinalResult(Outcome.OK, "OK")))

    return ask
