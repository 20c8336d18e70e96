"""Arguments of one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.errors import MalformedAnswer


def cursor(arguments: str) -> Cursor:
    """Return a cursor over arguments."""
    return Cursor(Line.of(f"+X: {arguments}"))


def test_fields_of_every_kind() -> None:
    """Numbers, texts with commas in quotes, empty fields and hex digits are read left to right."""
    fields = cursor('1, -5 ,"a,b",bare,,"313233",4F')
    assert (fields.integer(), fields.integer(), fields.text(), fields.text()) == (1, -5, "a,b", "bare")
    assert fields.optional_integer() is None
    assert (fields.hexadecimal(), fields.hexadecimal()) == (b"123", b"O")
    assert fields.at_end


def test_missing_fields_that_may_be_missing() -> None:
    """Firmware leaves trailing fields out."""
    fields = cursor("1")
    fields.skip(3)
    assert (fields.optional_integer(), fields.optional_text(), fields.rest()) == (None, None, [])


def test_no_arguments_means_no_fields() -> None:
    """A line without arguments has no field, not an empty one."""
    assert cursor("").at_end
    assert Cursor(Line.of("OK")).at_end


def test_empty_text_is_none_where_optional() -> None:
    """Empty quotes and an empty field both say nothing."""
    fields = cursor('"",,"x"')
    assert (fields.optional_text(), fields.optional_text(), fields.optional_text()) == (None, None, "x")


def test_hex_digits_that_stay_text() -> None:
    """They are upper-case whatever the module writes, and may be missing; anything else is noise."""
    fields = cursor('"00a0",0002920C,""')
    assert [fields.optional_hex_digits() for _ in range(4)] == ["00A0", "0002920C", None, None]
    for noise in ('"01A\\xf90B1A"', '"01AG"', "-1"):
        with pytest.raises(MalformedAnswer):
            cursor(noise).optional_hex_digits()


def test_looking_ahead_takes_nothing() -> None:
    """The next field's kind can be seen without reading it."""
    fields = cursor('7,"7"')
    assert (fields.next_is_integer, fields.next_is_quoted) == (True, False)
    assert fields.integer() == 7
    assert (fields.next_is_integer, fields.next_is_quoted) == (False, True)


@pytest.mark.parametrize("text", ["", "x", '"1"', "1.5", "0x10", "--1", "9" * 30, "+"])
def test_what_is_no_number(text: str) -> None:
    """Anything but decimal digits with a sign is malformed, and huge numbers are noise."""
    with pytest.raises(MalformedAnswer):
        cursor(f"{text},").integer()


def test_optional_number_that_is_none() -> None:
    """A text where a number may stand reads as no number."""
    assert cursor("x").optional_integer() is None


@pytest.mark.parametrize("text", ["3", "XY", "313"])
def test_what_is_no_hex(text: str) -> None:
    """Odd or foreign digits are malformed."""
    with pytest.raises(MalformedAnswer, match="hex digits"):
        cursor(text).hexadecimal()


def test_missing_field_is_named() -> None:
    """The error says which field is missing and what it should be."""
    fields = cursor("1")
    fields.integer()
    with pytest.raises(MalformedAnswer, match="field 2 is missing, should be a number"):
        fields.integer()


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_any_text_can_be_split(text: str) -> None:
    """No arguments raise as long as nothing is demanded of them."""
    Cursor(Line("+X", "+X", text)).rest()
