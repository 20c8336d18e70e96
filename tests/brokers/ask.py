"""Asks a broker everything. An answer is the table's own words, ``yes`` where it does what the bridge counts on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from tests.brokers import live, questions
from tests.brokers.ground import Answer, Ground, Later
from tests.brokers.programs import NAMES, Kind, Running

VERSIONS: Final = "MQTT"
"""The first row: which versions the broker speaks."""
ROWS: Final = (VERSIONS, *questions.QUESTIONS, *live.QUESTIONS)
"""Every row's name, in the table's order."""
FAILED: Final = "failed:"
"""What the answer to a question begins with that could not be answered."""


async def ask(kind: Kind, directory: Path, patience: Callable[[str], float]) -> Mapping[str, str]:
    """Run a broker and a bridge, and return the answer to every row; what went wrong is an answer, too.

    One after the other, since some brokers bear no more. ``patience`` tells for a row how many seconds of silence mean
    that nothing comes any more.
    """
    broker = Running.of(kind, directory)
    await broker.start()
    try:
        spoken = await questions.versions(broker, patience(VERSIONS))
        answers: dict[str, str] = {VERSIONS: ", ".join(NAMES[version] for version in spoken)}
        later: dict[str, Later] = {}

        def note(row: str, answer: Answer) -> None:
            if isinstance(answer, str):
                answers[row] = answer
            else:
                later[row] = answer

        for row, question in questions.QUESTIONS.items():
            note(row, await _answer(partial(question, Ground(broker, spoken[0], patience(row)))))
        async with live.house(Ground(broker, spoken[0], 0), directory) as house:
            for row, asked in live.QUESTIONS.items():
                note(
                    row, await _answer(partial(asked, replace(house, ground=Ground(broker, spoken[0], patience(row)))))
                )
            await broker.stop()
            await broker.start()
            for row, rest in later.items():
                note(row, await _answer(rest))
    finally:
        await broker.stop()
    return {row: answers[row] for row in ROWS}


async def _answer(question: Callable[[], Awaitable[Answer]]) -> Answer:
    try:
        return await question()
    except Exception as error:  # noqa: BLE001 - one question must not keep the others from being answered
        return f"{FAILED} {error!r}"
