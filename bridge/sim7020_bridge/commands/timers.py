"""Power-saving timers: seconds to and from the bit strings of 3GPP TS 24.008 section 10.5.7 and 10.5.5.32."""

import math
from typing import Final

_UNIT_BITS: Final = 3
_VALUE_BITS: Final = 5
_LARGEST_VALUE: Final = 31
_BITS: Final = _UNIT_BITS + _VALUE_BITS

_T3412_UNITS: Final = {
    "011": 2,
    "100": 30,
    "101": 60,
    "000": 600,
    "001": 3600,
    "010": 36000,
    "110": 1152000,
}
_T3324_UNITS: Final = {"000": 2, "001": 60, "010": 360}
_EDRX_CYCLES: Final = {
    "0010": 20.48,
    "0011": 40.96,
    "0101": 81.92,
    "1001": 163.84,
    "1010": 327.68,
    "1011": 655.36,
    "1100": 1310.72,
    "1101": 2621.44,
    "1110": 5242.88,
    "1111": 10485.76,
}
_EDRX_BITS: Final = 4
_WINDOW_STEP: Final = 2.56
_WINDOWS: Final = 16


def told_bits(text: str | None, count: int) -> str | None:
    """Return what a module told of a timer of so many bits; None if that is no such string, as one that was garbled."""
    return text if text is not None and len(text) == count and set(text) <= {"0", "1"} else None


def t3412_seconds(bits: str) -> int | None:
    """Return the periodic TAU (T3412 extended) in seconds; None if deactivated or unknown."""
    return _seconds(bits, _T3412_UNITS)


def t3412_bits(seconds: float) -> str:
    """Return the shortest periodic TAU that is not shorter than asked. Raises ValueError outside 0 to 9920 h."""
    return _bits(seconds, _T3412_UNITS, "the periodic TAU")


def t3324_seconds(bits: str) -> int | None:
    """Return the active time (T3324) in seconds; None if deactivated or unknown."""
    return _seconds(bits, _T3324_UNITS)


def t3324_bits(seconds: float) -> str:
    """Return the shortest active time that is not shorter than asked. Raises ValueError outside 0 to 186 min."""
    return _bits(seconds, _T3324_UNITS, "the active time")


def edrx_seconds(bits: str) -> float | None:
    """Return an eDRX cycle in seconds; None for a value that NB-IoT doesn't have."""
    return _EDRX_CYCLES.get(bits)


def edrx_bits(seconds: float) -> str:
    """Return the shortest eDRX cycle of NB-IoT that is not shorter than asked.

    Raises ValueError if it is longer than 10485.76 s, the longest there is, or not above 0.
    """
    if seconds > 0:
        for bits, cycle in _EDRX_CYCLES.items():
            if cycle >= seconds:
                return bits
    raise ValueError(f"an eDRX cycle must be above 0 and at most 10485.76 s (got {seconds:g})")


def ptw_seconds(bits: str) -> float | None:
    """Return a paging time window in seconds; None if it is no string of four bits."""
    number = _number(bits, _EDRX_BITS)
    return None if number is None else round((number + 1) * _WINDOW_STEP, 2)


def ptw_bits(seconds: float) -> str:
    """Return the shortest paging time window that is not shorter than asked.

    Raises ValueError if it is longer than 40.96 s, the longest there is, or not above 0.
    """
    steps = math.ceil(round(seconds / _WINDOW_STEP, 6))
    if not 1 <= steps <= _WINDOWS:
        raise ValueError(f"a paging time window must be above 0 and at most 40.96 s (got {seconds:g})")
    return f"{steps - 1:04b}"


def _seconds(bits: str, units: dict[str, int]) -> int | None:
    if _number(bits, _BITS) is None:
        return None
    unit = units.get(bits[:_UNIT_BITS])
    return None if unit is None else unit * int(bits[_UNIT_BITS:], 2)


def _bits(seconds: float, units: dict[str, int], what: str) -> str:
    fitting = []
    for code, unit in units.items():
        value = math.ceil(seconds / unit)
        if seconds >= 0 and value <= _LARGEST_VALUE:
            fitting.append((unit * value, f"{code}{value:05b}"))
    if not fitting:
        longest = max(units.values()) * _LARGEST_VALUE
        raise ValueError(f"{what} must be 0 to {longest} s (got {seconds:g})")
    return min(fitting)[1]


def _number(bits: str, length: int) -> int | None:
    return int(bits, 2) if len(bits) == length and set(bits) <= {"0", "1"} else None
