"""What nobody may read in a log, a trace or a recording: PINs, passwords, identities and payload."""

import re
from types import MappingProxyType
from typing import Final

from sim7020_bridge.commands.quoting import hidden

_SHOWN_FIELDS: Final = MappingProxyType(
    {
        **dict.fromkeys(("+CCHO", "+CLCK", "+CPWD", "+CRSM", "+CSIM", "+CSTT"), 0),
        **dict.fromkeys(("+CMGC", "+CMGL", "+CMGR", "+CMGS", "+CMGW", "+CMT", "+CDS", "+CNUM"), 0),
        **dict.fromkeys(("+CIPSEND", "+CMQCON", "+CMQPUB", "+CCOAPNMI", "+CCOAPSEND", "+NIDD"), 0),
        **dict.fromkeys(("+CHTTPCREATE", "+CHTTPCREAT", "+CHTTPNMIC", "+CHTTPNMIH", "+CHTTPSEND"), 0),
        **dict.fromkeys(("+CGSN", "+GSN", "+CIMI", "+CCID", "+ICCID"), 0),
        "+CPIN": 0,
        "+CGAUTH": 2,
        "+CGDCONT": 3,
        "*MCGDEFCONT": 2,
        "+CSOSEND": 2,
        "+CSONMI": 2,
    }
)
"""How many fields may be seen of what stands behind a name, in a command and in what the module says."""

_NAMES: Final = "|".join(re.escape(name) for name in sorted(_SHOWN_FIELDS, key=len, reverse=True))
_SECRET: Final = re.compile(
    rf"(?P<name>{_NAMES})"
    # what a SIM waits for and what a command accepts are no secrets, nor is a question
    r"(?:(?P<asks>=)(?!\?)|(?P<says>:)(?<!\+CPIN:)(?! ?\())"
    # a command ends where the next one of its line begins; what the module says goes on to the end
    r"""(?P<value>(?(asks)(?:"[^"]*"?|;(?![+*&A-Z])|[^;"])*|.*))""",
    re.IGNORECASE | re.DOTALL,
)
_FIELD: Final = re.compile(r'(?:"[^"]*"|[^",])*,?')
_BARE: Final = re.compile(r"[0-9A-F]{14,22}|(?:[0-9A-F]{2})+", re.IGNORECASE)
"""An identity or payload without a name."""
_SPOILT: Final = re.compile(r"(?=.{14,25}$)[0-9A-F]*(?:\\x[0-9A-F]{2}|.)[0-9A-F]*", re.IGNORECASE)
"""The same identity with one byte wrong, as a noisy line has it."""
_VISIBLE: Final = frozenset('", ;=:')


def mask(line: str) -> str:
    """Return a line as anybody may read it, whichever way it went.

    What is secret becomes asterisks, one for each character, so that lengths stay; quotes and separators stay too.
    A line with control characters is hidden as a whole: it is payload that came raw.
    """
    if not line.isprintable() or _BARE.fullmatch(line) or _SPOILT.fullmatch(line):
        return hidden(line)
    return _SECRET.sub(_masked, line)


def _masked(found: re.Match[str]) -> str:
    name, value = found["name"], found["value"]
    end = 0
    for _ in range(_SHOWN_FIELDS[name.upper()]):
        field = _FIELD.match(value, end)
        end = len(value) if field is None else field.end()
    secret = "".join(each if each in _VISIBLE else "*" for each in value[end:])
    return f"{name}{found['asks'] or found['says']}{value[:end]}{secret}"
