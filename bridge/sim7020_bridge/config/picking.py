"""The fields that are picked from JSON: ``FIELD``, or for a struct ``FIELD TYPE`` or ``FIELD TYPE SCALE``."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache

from sim7020_bridge.config.values import WrongValue, text

_SCALE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MOST_PARTS = 3


class FieldType(StrEnum):
    """How a number is written in a struct: unsigned, signed or floating, and in how many bits."""

    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    F32 = "f32"


@dataclass(frozen=True, slots=True)
class PickedField:
    """One field that is sent.

    Args:
        path: The names that lead to it from the outermost object; a number counts in an array, from 0.
        type: How it is written in a struct; None for CBOR.
        scale: What one step of an integer type stands for.
    """

    path: tuple[str, ...]
    type: FieldType | None = None
    scale: Decimal = Decimal(1)

    @property
    def name(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)

    @property
    def size(self) -> int:
        """Its bytes in a struct; 0 if it has no type."""
        return 0 if self.type is None else int(self.type[1:]) // 8


def picked(value: object) -> str:
    """Read one field of ``pick`` as it is written."""
    written = text(value)
    picked_field(written)
    return written


def picked_field(written: str) -> PickedField:
    """Take apart what is written of one field.

    Raises:
        WrongValue: It is none.
    """
    name, *more = written.split(" ")
    path = tuple(name.split("."))
    if "" in path or not name.isprintable() or len(more) >= _MOST_PARTS:
        raise WrongValue("must be FIELD, FIELD TYPE or FIELD TYPE SCALE, with dots between the names of nested fields")
    if not more:
        return PickedField(path)
    if more[0] not in list(FieldType):
        raise WrongValue(f"a type is one of {', '.join(FieldType)}")
    kind = FieldType(more[0])
    if len(more) == 1:
        return PickedField(path, kind)
    if kind is FieldType.F32:
        raise WrongValue("f32 has no scale")
    if not _SCALE.fullmatch(more[1]) or not Decimal(more[1]):
        raise WrongValue("a scale is a number above 0, such as 0.01, with at most 9 digits before and after the point")
    return PickedField(path, kind, Decimal(more[1]))


@dataclass(frozen=True, slots=True)
class DeadBand:
    """A field whose changes count.

    Args:
        path: As of a picked field.
        width: By how much it may differ without being news.
    """

    path: tuple[str, ...]
    width: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)


def banded(value: object) -> str:
    """Read one field of ``change`` as it is written."""
    written = text(value)
    dead_band(written)
    return written


@cache
def dead_band(written: str) -> DeadBand:
    """Take apart what is written of one field whose changes count: ``FIELD`` or ``FIELD BAND``.

    Raises:
        WrongValue: It is none.
    """
    name, *width = written.split(" ")
    path = tuple(name.split("."))
    if "" in path or len(width) > 1:
        raise WrongValue("must be FIELD, or FIELD BAND")
    if width and not _SCALE.fullmatch(width[0]):
        raise WrongValue("a dead band is a number, such as 0.5, with at most 9 digits before and after the point")
    return DeadBand(path, Decimal(width[0]) if width else Decimal(0))


def change_conflicts(change: Sequence[object], pick: object) -> Iterator[tuple[int, str]]:
    """Yield the place of each field of ``change`` that is not picked, and that, in words."""
    fields = pick if isinstance(pick, list) else []
    known = {written.split(" ")[0] for written in fields if isinstance(written, str)}
    for index, written in enumerate(change):
        if isinstance(written, str) and fields and written.split(" ")[0] not in known:
            yield index, "is not in pick"


def pick_conflicts(fields: Sequence[object], form: object) -> Iterator[tuple[int, str]]:
    """Yield the place of each field that does not go together with the others or with ``payload``, and why."""
    seen: set[tuple[str, ...]] = set()
    for index, written in enumerate(fields):
        try:
            field = picked_field(text(written))
        except WrongValue:
            continue
        if field.path in seen:
            yield index, "is picked already"
        seen.add(field.path)
        if form == "struct" and field.type is None:
            yield index, f"needs a type in a struct: {', '.join(FieldType)}"
        if form == "cbor" and field.type is not None:
            yield index, "has a type, and CBOR has its own: leave it out, or write payload: struct"
