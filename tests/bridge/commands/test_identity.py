"""Identities, which are bare texts among URCs."""

import pytest

from sim7020_bridge.at.command import Command
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.identity import (
    ReadFirmware,
    ReadIccid,
    ReadImei,
    ReadImsi,
    ReadManufacturer,
    ReadModel,
)
from sim7020_bridge.errors import MalformedAnswer
from tests.bridge.commands.conftest import Ask

IDENTITIES = (ReadManufacturer(), ReadModel(), ReadFirmware(), ReadImei(), ReadImsi(), ReadIccid())


@pytest.mark.parametrize(
    ("command", "line", "identity"),
    [
        (ReadManufacturer(), "SIMCOM_Ltd", "SIMCOM_Ltd"),
        (ReadManufacturer(), "+CGMI: SIMCOM_Ltd", "SIMCOM_Ltd"),
        (ReadManufacturer(), "SIMCOM INCORPORATED", "SIMCOM INCORPORATED"),
        (ReadModel(), "SIM7020C", "SIM7020C"),
        (ReadModel(), '+CGMM: "SIM7020G"', "SIM7020G"),
        (ReadModel(), "SIMCOM_SIM7600E-H", "SIMCOM_SIM7600E-H"),
        (ReadFirmware(), "1752B01V01SIM7020C", "1752B01V01SIM7020C"),
        (ReadFirmware(), "+CGMR: 1752B01V01SIM7020C", "1752B01V01SIM7020C"),
        (ReadFirmware(), "Revision:1752B07SIM7020E", "1752B07SIM7020E"),
        (ReadImei(), "867997030000001", "867997030000001"),
        (ReadImei(), "0000000000000000", "0000000000000000"),
        (ReadImei(), "+CGSN: 867997030000001", "867997030000001"),
        (ReadImsi(), "460028216590952", "460028216590952"),
        (ReadImsi(), "+CIMI: 460028216590952", "460028216590952"),
        (ReadIccid(), "89882280000000000017", "89882280000000000017"),
        (ReadIccid(), "8986F2280000000000A1", "8986F2280000000000A1"),
        (ReadIccid(), "8988228000000000001F", "8988228000000000001F"),
        (ReadIccid(), "+CCID: 8986F2280000000000A1", "8986F2280000000000A1"),
        (ReadIccid(), '+ICCID: "89882280000000000017"', "89882280000000000017"),
    ],
)
def test_bare_and_named_answers(ask: Ask, command: Command[object], line: str, identity: str) -> None:
    """An identity is read bare, or behind the command's name."""
    assert ask(command, line) == identity


@pytest.mark.parametrize("command", IDENTITIES)
@pytest.mark.parametrize(
    "line",
    [
        "RDY",
        "SMS Ready",
        "*MATREADY: 1",
        "SEND: 0,11",
        "+CPIN: READY",
        "+CFUN: 1",
        "+CSONMI: 0,6,313233",
        "+CSONMI: 0,30,867997030000001867997030000001",
        "CLOSED",
        "NORMAL POWER DOWN",
        "UNDER-VOLTAGE WARNNING",
        "OVER-VOLTAGE POWER DOWN",
        "DATA ACCEPT: 5",
        "+CLTS: 18/06/22,09:27:49+32",
        "\\xff\\xfe+CSO",
    ],
)
def test_urcs_are_no_identity(command: Command[object], line: str) -> None:
    """What the module says by itself is never taken for its name or number."""
    assert not command.answers(Line.of(line))


def test_no_identity_at_all(ask: Ask) -> None:
    """OK alone is malformed."""
    with pytest.raises(MalformedAnswer):
        ask(ReadImei())
