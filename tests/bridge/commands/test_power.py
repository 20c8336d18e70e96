"""Power: supply, sleep and its timers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.at.command import Command, UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands import timers
from sim7020_bridge.commands.power import (
    Edrx,
    EdrxReport,
    PoweredDown,
    PowerSaving,
    ReadEdrxGranted,
    ReadPowerSaving,
    ReadSupply,
    SleepReport,
    Supply,
    SupplyReport,
)
from sim7020_bridge.commands.registry import URCS
from tests.bridge.commands.conftest import Ask


@pytest.mark.parametrize(
    ("command", "line", "result"),
    [
        (ReadSupply(), "+CBC: 88,3418", Supply(88, 3418)),
        (ReadSupply(), "+CBC: 255,0", Supply(None, None)),
        (ReadSupply(), "+CBC: 100,65535", Supply(100, None)),
        (ReadPowerSaving(), "+CPSMS: 0", PowerSaving(0)),
        (ReadPowerSaving(), '+CPSMS: 1,,,"01011111","00000001"', PowerSaving(1, "01011111", "00000001")),
        (ReadEdrxGranted(), "+CEDRXRDP: 0", None),
        (ReadEdrxGranted(), '+CEDRXRDP: 5,"0010","0011","0001"', Edrx("0010", "0011", "0001")),
    ],
)
def test_readings(ask: Ask, command: Command[object], line: str, result: object) -> None:
    """Each reading is read for what it says."""
    assert ask(command, line) == result


@pytest.mark.parametrize(
    ("line", "urc"),
    [
        ('+CPSMSTATUS: "ENTER PSM"', SleepReport(entered=True)),
        ('+CPSMSTATUS: "EXIT PSM"', SleepReport(entered=False)),
        ("+CPSMSTATUS: 1", UnknownLine("+CPSMSTATUS: 1")),
        ('+CEDRXP: 5,"0010","0010","0001"', EdrxReport(Edrx("0010", "0010", "0001"))),
        ('+CEDRXP: 5,"1001","1\xbf01","011"', EdrxReport(Edrx("1001", None, None))),
        ("+CEDRXP: 0", EdrxReport(None)),
        ("NORMAL POWER DOWN", PoweredDown()),
        ("UNDER-VOLTAGE WARNNING", SupplyReport(over=False, power_down=False)),
        ("UNDER-VOLTAGE POWER DOWN", SupplyReport(over=False, power_down=True)),
        ("OVER-VOLTAGE WARNNING", SupplyReport(over=True, power_down=False)),
        ("OVER-VOLTAGE POWER DOWN", SupplyReport(over=True, power_down=True)),
        ("UNDER-VOLTAGE WARNNING POWER DOWN", SupplyReport(over=False, power_down=True)),
        ("OVER-VOLTAGE WARNING POWER DOWN", SupplyReport(over=True, power_down=True)),
    ],
)
def test_reports(line: str, urc: Urc) -> None:
    """Each report is read, misspelt as the module has it."""
    assert URCS.read(Line.of(line)) == urc


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [
        ("00000001", 600),
        ("00100010", 7200),
        ("01000001", 36000),
        ("01011111", 1116000),
        ("01100001", 2),
        ("10000010", 60),
        ("10100011", 180),
        ("11000001", 1152000),
        ("11100000", None),
        ("1110000", None),
        ("abcdefgh", None),
    ],
)
def test_periodic_tau(bits: str, seconds: int | None) -> None:
    """T3412 extended has seven units; the eighth is off."""
    assert timers.t3412_seconds(bits) == seconds


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [("00000001", 2), ("00010010", 36), ("00100010", 120), ("01000001", 360), ("01100001", None), ("11100000", None)],
)
def test_active_time(bits: str, seconds: int | None) -> None:
    """T3324 has three units; all others are unknown or off."""
    assert timers.t3324_seconds(bits) == seconds


@given(st.integers(0, 31 * 1152000))
def test_tau_is_never_shorter_than_asked(seconds: int) -> None:
    """The nearest timer that can be said is used, and said exactly where it can be."""
    granted = timers.t3412_seconds(timers.t3412_bits(seconds))
    assert granted is not None
    assert granted >= seconds
    assert timers.t3412_seconds(timers.t3412_bits(granted)) == granted


@given(st.integers(0, 31 * 360))
def test_active_time_is_never_shorter_than_asked(seconds: int) -> None:
    """The nearest timer that can be said is used, never more than one step away."""
    granted = timers.t3324_seconds(timers.t3324_bits(seconds))
    assert granted is not None
    assert 0 <= granted - seconds < 360


@pytest.mark.parametrize(("seconds", "bits"), [(20, "0010"), (20.48, "0010"), (21, "0011"), (10485.76, "1111")])
def test_edrx_cycle(seconds: float, bits: str) -> None:
    """The shortest cycle that is long enough is used."""
    assert timers.edrx_bits(seconds) == bits
    assert (timers.edrx_seconds(bits) or 0) >= seconds


@pytest.mark.parametrize(("seconds", "bits"), [(2.56, "0000"), (2.57, "0001"), (10.24, "0011"), (40.96, "1111")])
def test_paging_window(seconds: float, bits: str) -> None:
    """The window comes in steps of 2.56 s."""
    assert timers.ptw_bits(seconds) == bits
    assert (timers.ptw_seconds(bits) or 0) >= seconds


def test_what_nb_iot_does_not_have() -> None:
    """Other bit strings mean nothing here."""
    assert [timers.edrx_seconds(bits) for bits in ("0000", "0100", "x")] == [None] * 3
    assert timers.ptw_seconds("10") is None


@pytest.mark.parametrize("encode", [timers.t3412_bits, timers.t3324_bits, timers.edrx_bits, timers.ptw_bits])
@pytest.mark.parametrize("seconds", [-100.0, 1e9])
def test_timers_out_of_range(encode: object, seconds: float) -> None:
    """What can't be said is refused with what can."""
    assert callable(encode)
    with pytest.raises(ValueError, match=r"must be .* to|at most"):
        encode(seconds)
