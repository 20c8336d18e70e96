"""The AT dialogue in memory: bounded, explained when asked, downloaded as a recording."""

from datetime import UTC, datetime, timedelta

from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.kit.recording.replay import exchanges
from sim7020_bridge.page.dialogue import LONGEST, MOST, MOST_BYTES, Dialogue, explaining

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


class Told:
    """A dialogue with a clock that goes on by so much at each line."""

    def __init__(self, step: float = 0.1) -> None:
        self.now = AT
        self.step = timedelta(seconds=step)
        self.dialogue = Dialogue(lambda: self.now)

    def add(self, *lines: str) -> None:
        """Add lines."""
        for line in lines:
            self.dialogue.add(line)
            self.now += self.step


async def test_lines_are_explained() -> None:
    """Each has its words, a prompt too."""
    told = Told()
    told.add("> AT+CSQ", "< +CSQ: 20,0", "< OK", "< +CEREG: 1", "> AT+CSODSEND=0,2", "< > ", "< OK")
    documents = await told.dialogue.documents()
    assert [document["n"] for document in documents] == [1, 2, 3, 4, 5, 6, 7]
    assert [document["direction"] for document in documents] == [">", "<", "<", "<", ">", "<", "<"]
    assert documents[0]["line"] == "AT+CSQ"
    assert documents[0]["time"] == "2026-11-30T12:00:00.000Z"
    assert "signal" in str(documents[1]["words"])
    assert all(document["words"] for document in documents)


async def test_an_answer_that_is_still_due() -> None:
    """The last lines are explained, too."""
    told = Told()
    told.add("> AT+CSQ", "< +CSQ: 20,0")
    assert all(document["words"] for document in await told.dialogue.documents())


async def test_a_line_that_is_explained_as_it_comes() -> None:
    """Each is explained at once."""
    told = Told()
    explainer = await explaining(live=True)
    for text in ("> AT+CSQ", "< +CSQ: 20,0", "< OK"):
        line = told.dialogue.add(text)
        assert explainer.take(line)[line.number]


async def test_lines_that_are_watched_for_days() -> None:
    """Each is explained by its number, and those of before are forgotten."""
    told = Told()
    explainer = await explaining(live=True)
    for _ in range(MOST):
        for text in ("> AT+CSQ", "< +CSQ: 20,0", "< OK"):
            line = told.dialogue.add(text)
            assert line.number in explainer.take(line)
    assert len(explainer._numbers) == MOST


async def test_the_room_is_bounded() -> None:
    """However long lines are, and however many there are; what is left is explained all the same."""
    told = Told()
    told.add(*(f"< +CSONMI: 0,1024,{'*' * 2048}" for _ in range(2 * MOST)))
    assert sum(len(line.text) for line in told.dialogue) <= MOST_BYTES
    told.add(*("> AT" for _ in range(2 * MOST)))
    lines = list(told.dialogue)
    assert len(lines) == MOST
    assert lines[-1].number == 4 * MOST
    assert max(len(line.text) for line in lines) <= LONGEST
    assert len(await told.dialogue.documents()) == MOST


async def test_the_recording() -> None:
    """It is what ``decode`` explains and ``replay`` plays, with the pauses."""
    told = Told(step=1.5)
    told.add("> AT+CIMI", "< ***************", "< OK", "> AT+CSODSEND=0,2", "< > ", "< +CME ERROR: 3")
    written = await told.dialogue.recording("shed")
    assert written.startswith(b"# source: shed\n# what: ")
    kinds = [str(each.kind) for each in explained([written]) if each.kind != "comment"]
    assert kinds == ["command", "answer", "final", "command", "prompt", "final"]
    played = exchanges(explained([written]))
    assert [exchange.command for exchange in played][1:] == ["AT+CIMI", "AT+CSODSEND=0,2"]
    assert b"# event: wait 1.5" in written
