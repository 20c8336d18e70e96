"""The table of URCs as such."""

import importlib
import inspect
import pkgutil
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge import commands
from sim7020_bridge.at.command import UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.identity import ReadImei, ReadManufacturer, ReadModel
from sim7020_bridge.commands.registry import URCS, ForeignReport, Greeting

KINDS: set[type[Urc]] = {
    kind
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}.")
    for kind in vars(importlib.import_module(module.name)).values()
    if inspect.isclass(kind) and issubclass(kind, Urc) and kind.__module__ == module.name
}
NAMES = [name for kind in KINDS for name in kind.names]


def test_every_urc_is_in_the_table() -> None:
    """No URC was declared and forgotten, and no two share a name."""
    assert not [name for name in NAMES if name not in URCS]
    assert not [name for name, count in Counter(NAMES).items() if count > 1]


@pytest.mark.parametrize("kind", sorted(KINDS, key=str))
def test_declarations(kind: type[Urc]) -> None:
    """Each URC is a frozen value with a name and a contract."""
    assert vars(kind)["__dataclass_params__"].frozen
    assert kind.names
    assert (kind.__doc__ or "").strip()


@pytest.mark.parametrize("name", NAMES)
def test_urcs_are_no_identity(name: str) -> None:
    """A URC is never taken for a bare identity."""
    line = Line.of(f"{name}: 1")
    assert not [command for command in (ReadManufacturer(), ReadModel(), ReadImei()) if command.answers(line)]


@given(st.sampled_from(NAMES), st.text(st.sampled_from('0123456789ABCDEF,"+-:/. xPSM'), max_size=60))
def test_no_line_raises(name: str, arguments: str) -> None:
    """Whatever follows its name, a line becomes a value or an unknown line."""
    assert isinstance(URCS.read(Line.of(f"{name}: {arguments}")), Urc)


@pytest.mark.parametrize(("line", "name"), [("RDY", "RDY"), ("*MATREADY: 1", "*MATREADY"), ("SMS Ready", "SMS Ready")])
def test_greetings(line: str, name: str) -> None:
    """Three lines give a restart away."""
    assert URCS.read(Line.of(line)) == Greeting(name)


def test_foreign_and_unknown() -> None:
    """URCs of services that the bridge doesn't use are known; all others are not."""
    assert URCS.read(Line.of("+CMQDISCON: 0")) == ForeignReport("+CMQDISCON", "0")
    assert URCS.read(Line.of("+BRAND NEW: 1")) == UnknownLine("+BRAND NEW: 1")
