"""The fields that are picked from JSON: ``FIELD``, or for a struct ``FIELD TYPE`` or ``FIELD TYPE SCALE``."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

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
