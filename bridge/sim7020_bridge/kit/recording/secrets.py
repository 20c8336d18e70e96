"""What a recording must not hold: more than a trace, for people may type what the bridge never says."""

import re
from typing import Final

from sim7020_bridge.commands.quoting import hidden
from sim7020_bridge.commands.registry import mask

_NAMES: Final = "|".join(
    (
        *("CCHO", "CCOAPNMI", "CCOAPSEND", "CHTTPCREATE", "CHTTPCREAT", "CHTTPNMIC", "CHTTPNMIH", "CHTTPSEND"),
        *("CIPSEND", "CLCK", "CMGC", "CMGL", "CMGR", "CMGS", "CMGW", "CMQCON", "CMQPUB", "CMT", "CNUM", "CPWD"),
        *("CRSM", "CSIM", "CSTT", "NIDD", "CGDCONT", "CSORXGET=[23]"),
    )
)
_WHOLE: Final = re.compile(rf"(?P<kept>(?:AT)?\+(?:{_NAMES})[=:] ?)(?P<secret>[^?].*)", re.IGNORECASE | re.DOTALL)
"""Lines of services beyond the bridge's: PINs, passwords, payload and numbers stand anywhere in them."""
_KEPT: Final = frozenset('", ;=:')
_PARTS: Final = re.compile(r'(?:"[^"]*"?|[^;"])+')


def masked(line: str) -> str:
    """Return a line as a recording may hold it: payload and identities as asterisks, one for each character."""
    if not line.isprintable():
        # payload that came raw
        return hidden(line)
    if line[:2].upper() == "AT" and ";" in line:
        return line[:2] + _PARTS.sub(lambda part: _masked(f"AT{part[0]}")[2:], line[2:])
    return _masked(line)


def _masked(line: str) -> str:
    whole = _WHOLE.fullmatch(line)
    if whole is not None and not whole["secret"].startswith("("):
        return whole["kept"] + "".join(each if each in _KEPT else hidden(each) for each in whole["secret"])
    return mask(line)


def unmasked(line: str) -> str:
    """Return a masked line as a driver can read it: zeros stand where asterisks do."""
    return _RUNS.sub(lambda run: "0" * len(run[0]), line)


_RUNS: Final = re.compile(r"\*{2,}|(?<=[\",])\*(?=[\",]|$)")
