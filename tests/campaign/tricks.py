"""What somebody would try who wants a byte of their own on the command line, or in somebody's terminal."""

import re
from typing import Final

BYTES: Final = tuple(bytes([value]) for value in range(256))
"""Every byte there is."""

CHARACTERS: Final = tuple(chr(value) for value in range(256))
"""The same as characters: ASCII, both blocks of control characters, and half of the accented letters."""

TELLING: Final = tuple('\0\b\t\n\r\x1a\x1b ",;\\\x7f\x85\x9b\xe9')
"""Those of them that mean something to somebody on the way, and one of each other kind."""

TRICKS: Final = (
    '"',
    '""',
    '\\"',
    "\\",
    "\\22",
    "\\x22",
    "%22",
    "&quot;",
    '"\r\nAT+CFUN=0\r\n',
    "\rAT+CFUN=0\r",
    "\nAT+CFUN=0\n",
    "\r\n> ",
    '";+CFUN=0;+CDNSGIP="',
    '",1;+CFUN=0',
    ";+CFUN=0",
    ';+CPIN=1234;"',
    "+++",
    "A/",
    "a/\r",
    "AT",
    "\bAT+CFUN=0\b\b",
    "\x7f\x7f",
    "\x1a",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\x00AT+CFUN=0",
    "\u2028AT+CFUN=0\u2029",
    "\u202eRNE\u202c",
    "\ufeffAT",
    "\uff02;\uff0bCFUN=0",
    "\u02ba\u201c\u201d\u275d",
    "\u017f\u0131\u212a",
    "\u010d\u010a",
    "${HOME}$(id)`id`",
    "%s%n%d{0}",
    "A" * 3000,
)
"""Quoting, line ends, prompts, editing characters, escapes of terminals, look-alikes and overlong words."""

_ARGUMENT: Final = r'(?:-?\d+|"[ !#-\[\]-~]*")?'
_OWN_LINE: Final = re.compile(
    rf"AT(?:[A-Z]\d?|[+*][A-Z]+(?:\?|=\?|={_ARGUMENT}(?:,{_ARGUMENT})*)?)?",
)


def is_own_line(line: str) -> bool:
    """Whether a command line is one command, whose free text stands in quotes and can't end them."""
    return _OWN_LINE.fullmatch(line) is not None


def quoted_in(line: str) -> list[str]:
    """Return what stands in quotes on a command line."""
    return re.findall(r'"([^"]*)"', line)


def unprintable_in(text: str) -> list[str]:
    """Return the lines of a log that hold what a terminal or an editor may act upon."""
    return [line for line in text.split("\n") if not line.isprintable()]
