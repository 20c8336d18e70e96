"""Every row of the page on what goes on the air is what the bridge makes, and the page's receiver takes it apart."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from sim7020_bridge.config.model import PayloadForm, SocketSettings, Transport
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.packing import packed, unpacked
from tests.contract_check import CONTRACT, problems

PAGE: Final = (CONTRACT / "packing.md").read_text()
PLAIN, PICKED, STRUCT = PAGE.split("\n## ")[1:]


def rows(section: str, columns: int) -> list[list[str]]:
    """Return the rows of a section's tables that have so many cells, each of them code."""
    row = re.compile(r"\|" + " `([^`]*)` \\|" * columns, re.ASCII)
    return [list(found.groups()) for line in section.splitlines() if (found := row.fullmatch(line))]


def socket(form: PayloadForm, pick: str = "") -> SocketSettings:
    """Return a socket that packs so."""
    return SocketSettings("a", Transport.UDP, "h", 1, payload=form, pick=tuple(pick.split(", ")) if pick else ())


def check(settings: SocketSettings, published: str, air: str) -> None:
    """See that a message makes these bytes, or is refused with this code."""
    if re.fullmatch(r"[a-z]+_[a-z]+", air):
        with pytest.raises(PayloadRefused) as refused:
            packed(settings, published.encode())
        assert refused.value.code == air
    else:
        assert packed(settings, published.encode()) == bytes.fromhex(air)


UP, DOWN = (rows(part, 2) for part in PLAIN.split("What comes from the network"))
ARRAYS, STRUCTS = rows(PICKED, 3), rows(STRUCT, 3)


def test_the_page_has_its_rows() -> None:
    """No row is overlooked because it is written in another way."""
    assert [len(each) for each in (UP, DOWN, ARRAYS, STRUCTS)] == [6, 5, 2, 12]


@pytest.mark.parametrize(("published", "air"), UP)
def test_json_becomes_cbor(published: str, air: str) -> None:
    """The whole value, and back it is the same."""
    check(socket(PayloadForm.CBOR), published, air)
    back = json.loads(unpacked(socket(PayloadForm.CBOR), bytes.fromhex(air)))
    assert back == json.loads(published)


@pytest.mark.parametrize(("air", "published"), DOWN)
def test_cbor_becomes_json(air: str, published: str) -> None:
    """What JSON does not have too, and what can't be decoded fits its schema."""
    assert unpacked(socket(PayloadForm.CBOR), bytes.fromhex(air)) == published.encode()
    if "error" in published:
        assert problems("received-undecodable", json.loads(published)) == []


@pytest.mark.parametrize(("pick", "published", "air"), ARRAYS)
def test_fields_become_an_array(pick: str, published: str, air: str) -> None:
    """In order, null where there is none."""
    check(socket(PayloadForm.CBOR, pick), published, air)


@pytest.mark.parametrize(("pick", "published", "air"), STRUCTS)
def test_fields_become_a_struct(pick: str, published: str, air: str) -> None:
    """Byte for byte, or refused."""
    check(socket(PayloadForm.STRUCT, pick), published, air)


@pytest.mark.parametrize(("pick", "published", "air"), [row for row in STRUCTS if "_" not in row[2]])
def test_the_receiver_takes_a_struct_apart(pick: str, published: str, air: str) -> None:
    """Each value comes back to half a step."""
    page: dict[str, Any] = {}
    exec(PAGE.split("```python\n")[1].split("```")[0], page)  # noqa: S102 - the page is what is tested
    unpack: Callable[[list[str], bytes], dict[str, float | None]] = page["unpack"]
    given = json.loads(published)
    found = unpack(pick.split(", "), bytes.fromhex(air))
    assert list(found) == [field.split(" ")[0] for field in pick.split(", ")]
    for field in pick.split(", "):
        name, _, scale = f"{field} 1".split(" ")[:3]
        value = found[name]
        if given.get(name) is None:
            assert value is None
        else:
            assert value is not None
            assert abs(value - given[name]) <= float(scale) / 2


def test_a_struct_is_handed_on_as_it_comes() -> None:
    """What is received is nobody's table."""
    assert unpacked(socket(PayloadForm.STRUCT, "a u8"), b"\x00\xff") == b"\x00\xff"
