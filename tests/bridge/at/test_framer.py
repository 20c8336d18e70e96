"""Bytes into lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.at.framer import LONGEST_LINE, Framer, Line, Prompt
from tests.hostile import every_split, one_byte_at_a_time

ANSWER = b"AT+CSQ\r\r\n+CSQ: 24,0\r\n\r\nOK\r\n"
LINES = [Line.of("AT+CSQ"), Line.of("+CSQ: 24,0"), Line.of("OK")]


def frame(*chunks: bytes) -> list[Line | Prompt]:
    """Return what a fresh framer makes of chunks."""
    framer = Framer()
    return [item for chunk in chunks for item in framer.feed(chunk)]


@pytest.mark.parametrize("chunks", list(every_split(ANSWER)), ids=lambda chunks: str(len(chunks[0])))
def test_split_anywhere(chunks: list[bytes]) -> None:
    """Where the stream is cut makes no difference."""
    assert frame(*chunks) == LINES


def test_one_byte_at_a_time() -> None:
    """Lines that come byte by byte are whole."""
    assert frame(*one_byte_at_a_time([ANSWER])) == LINES


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"OK\r\n", id="no blank line before"),
        pytest.param(b"\r\n\r\n\r\nOK\r\n\r\n", id="many blank lines"),
        pytest.param(b"\nOK\n", id="line feeds alone"),
        pytest.param(b"\rOK\r", id="carriage returns alone"),
        pytest.param(b"\r\n  OK \t\r\n", id="blanks around"),
        pytest.param(b"\0\r\nO\0K\r\n\0", id="NULs of a module that wakes"),
    ],
)
def test_line_ends_and_blanks(data: bytes) -> None:
    """Whatever surrounds a line, the line is the same."""
    assert frame(data) == [Line.of("OK")]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("+CPIN: READY", "+CPIN", "READY"),
        ("+CPIN:READY", "+CPIN", "READY"),
        ("SMS Ready", "SMS Ready", ""),
        ("+CLTS: 18/06/22,09:27:49+32", "+CLTS", "18/06/22,09:27:49+32"),
        ("+CNUM:", "+CNUM", ""),
    ],
)
def test_name_and_arguments(text: str, name: str, arguments: str) -> None:
    """A line is taken apart at its first colon, with or without a blank after it."""
    assert Line.of(text) == Line(text, name, arguments)


def test_bytes_beyond_ascii_are_shown() -> None:
    """Noise becomes readable text and no error."""
    assert frame(b"\xff+CSQ\r\n") == [Line.of("\\xff+CSQ")]


def test_unfinished_line_waits() -> None:
    """Half a line is no line."""
    assert frame(b"\r\n+CSQ: 2") == []


def test_of_an_overlong_line_the_beginning_stays() -> None:
    """Endless noise costs bounded memory, its beginning is told, and the next line is whole."""
    noise = [b"x" * 1000] * (LONGEST_LINE // 1000 + 2)
    assert frame(*noise, b"x\r\nOK\r\n") == [Line.of("x" * 64 + "..."), Line.of("OK")]


def test_longest_line_is_kept() -> None:
    """A line just as long as allowed passes."""
    assert frame(b"x" * LONGEST_LINE + b"\r\n") == [Line.of("x" * LONGEST_LINE)]


@pytest.mark.parametrize("chunks", list(every_split(b"\r\nOK\r\n\r\n> \r\n+CSQN: 20,0\r\n")), ids=str)
def test_prompt_is_seen_whatever_comes_with_it(chunks: list[bytes]) -> None:
    """A report can come so close behind a prompt that one read has both."""
    assert frame(*chunks) == [Line.of("OK"), Prompt(), Line.of("+CSQN: 20,0")]


@pytest.mark.parametrize("chunks", list(every_split(b"\r\n> data\r\n>\r\n")), ids=str)
def test_what_stands_behind_a_prompt_is_a_line_of_its_own(chunks: list[bytes]) -> None:
    """The echo of what was given is no part of the prompt, and the blank of a prompt may be missing."""
    assert frame(*chunks) == [Prompt(), Line.of("data"), Prompt()]


@pytest.mark.parametrize("chunks", [[b"\r\n> "], [b"\r\n>", b" "], [b"> "], [b"\r\nOK\r\n> "]])
def test_prompt_has_no_line_end(chunks: list[bytes]) -> None:
    """The data prompt is seen at once, however it is split."""
    assert frame(*chunks)[-1] == Prompt()


def test_prompt_within_a_line_is_text() -> None:
    """What merely contains the prompt is a line."""
    assert frame(b'+X: "> ', b'"\r\n') == [Line.of('+X: "> "')]


def test_after_a_prompt_lines_go_on() -> None:
    """The prompt leaves nothing behind."""
    assert frame(b"\r\n> ", b"\r\nDATA ACCEPT: 4\r\n") == [Prompt(), Line.of("DATA ACCEPT: 4")]


def test_garbage_without_an_end_is_told() -> None:
    """At a wrong baud rate no line end may ever come: that something waits for one that is no text can be seen."""
    framer = Framer()
    told = []
    for data in (b"+CPIN: REA", b"\xe3\x9f\xf1", b"\r\nOK\r\n", b"x" * (LONGEST_LINE + 1)):
        framer.feed(data)
        told.append(framer.rest)
    assert told == ["", "+CPIN: REA\\xe3\\x9f\\xf1", "", "x" * 64]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_in_any_pieces(chunks: list[bytes]) -> None:
    """No bytes raise, and lines are never empty."""
    assert all(isinstance(item, Prompt) or item.text for item in frame(*chunks))
