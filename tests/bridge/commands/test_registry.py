"""The table of URCs as such, and what a trace may show."""

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
from sim7020_bridge.commands.registry import URCS, ForeignReport, Greeting, mask

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


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("+CSONMI: 0,6,313233", "+CSONMI: 0,6,******"),
        ("+CSONMI:0,4,\\x01ab", "+CSONMI:0,4,******"),
        ('AT+CSOSEND=0,6,"313233"', 'AT+CSOSEND=0,6,"******"'),
        ("at+csosend=0,6,313233", "at+csosend=0,6,******"),
        ('AT+CSOSEND=0,0,"a', 'AT+CSOSEND=0,0,"*'),
        ("31323334", "********"),
        ("AT+CPIN=1234", "AT+CPIN=****"),
        ('AT+CPIN="1234"', 'AT+CPIN="****"'),
        ('AT+CPIN="12345678","4321"', 'AT+CPIN="********","****"'),
        ('*MCGDEFCONT: "IP","iot","me","secret"', '*MCGDEFCONT: "IP","iot","**","******"'),
        ('AT*MCGDEFCONT="IP","iot","me","secret"', 'AT*MCGDEFCONT="IP","iot","**","******"'),
        ('AT+CGAUTH=1,1,"me","pw"', 'AT+CGAUTH=1,1,"**","**"'),
        ("867997030000001", "***************"),
        ("+CGSN: 867997030000001", "+CGSN: ***************"),
        ("8988228000000000001F", "*" * 20),
        ("8986F2280000000000A", "*" * 19),
        ("+CCID: 89882280000000000017", "+CCID: " + "*" * 20),
        ('+CNUM: "","13817825065",129', '+CNUM: "","***********",129'),
    ],
)
def test_secrets_are_masked(line: str, shown: str) -> None:
    """Payload, identities and secrets become asterisks; lengths stay."""
    assert mask(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "OK",
        "+CSQ: 20,0",
        "AT+CPIN?",
        "+CPIN: SIM PIN",
        'AT*MCGDEFCONT="IP","iot"',
        '+CEREG: 2,1,"5B57","01A50B1A",9,"00"',
        "SEND: 0,11",
        "1752B01V01SIM7020C",
        "RDY",
    ],
)
def test_the_rest_is_shown(line: str) -> None:
    """A trace without secrets is a transcript."""
    assert mask(line) == line
