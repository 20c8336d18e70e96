"""How terminal programs, loggers and sniffers mark lines: patterns for times, directions and remarks."""

import re
from typing import Final

from sim7020_bridge.kit.decode.kinds import Direction

TERMINAL: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cDEHM])")
"""Escape sequences of terminals (ECMA-48), which a screen capture keeps."""

_PICOCOM: Final = (
    "(?:port|baudrate|parity|escape|local echo|noinit|noreset|hangup|nolock|send_cmd|receive_cmd|imap|omap|emap|logfile"
    "|exit_after|exit) is|(?:databits|stopbits) are|flowcontrol|initstring"
)
REMARK: Final = re.compile(
    r"#(?: |$)|//|=~=~|-{3,} |Welcome to minicom|OPTIONS: |Compiled on |Port /dev/|Press CTRL-A|picocom v"
    rf"|(?:{_PICOCOM}) +:|Type \[C-|Terminal ready|Terminating\.\.\.|Thanks for using picocom"
    r"|tio v\d|Press ctrl-t|Connected(?: to|$)|Disconnected|Script (?:started|done)"
)
"""Lines that a terminal program, or a person, wrote and that were never on the wire."""

SNIFFED: Final = re.compile(r"(?P<mark>[<>]) (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) +length=\d+ from=\d+ to=\d+")
"""The line before each block of a dump by ``socat -v``."""

_CLOCK: Final = r"\d{1,2}:\d\d:\d\d(?:[.,:]\d{1,9})?"
_DATE: Final = r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d{4})"
_INSTANT: Final = rf"(?:{_DATE}[T ]{_CLOCK}|{_CLOCK})(?: ?Z| ?[+-]\d\d:?\d\d)?"
TIME: Final = re.compile(
    rf"\s*(?:[\[(](?P<framed>{_INSTANT}|\s*\d+\.\d+ ?s?)[\])]:?"
    rf"|(?P<bare>{_INSTANT})(?=[\s,;|>]|->|$)[,;|]?"
    r"|(?P<seconds>\+?\d+\.\d{3,9})s?(?::|(?=\s+\S)))\s*"
)
"""A time at the start of a line: of day, with a date, or seconds since some start."""

JOURNAL: Final = re.compile(
    rf"(?P<time>[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}|\d{{4}}-\d\d-\d\dT[\d:.]+[+-][\d:]+) \S+ [\w./-]+\[\d+\]: "
)
"""What syslog and journalctl put before a line."""

LOGGER: Final = re.compile(r"(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL) +(?:\[[^\]]*\] )?(?P<name>[\w.]+): ")
"""What Python's logging, and so this bridge, puts before a message."""

TAG: Final = re.compile(r"(?:<\w+> +)?(?:\[[\d.:T+-]+\] )?\[[\w/.-]+\] (?=-->|<--)")
"""What ModemManager puts before the two arrows."""

MARK: Final = re.compile(
    r"\s*(?P<mark>[<>]!(?= )|-->|<--|>>>|<<<|>>|<<|->|<-|=>|<=|[<>](?=\s|$)|[\u2192\u2190]"
    r"|\u53d1\u2192\u25c7|\u6536\u2190\u25c6"
    r"|(?:TX|RX|OUT|IN|WRITE|READ|SENT|SENDING|RECEIVED|RECV|HOST|MODEM|MODULE|DTE|DCE|[TR]x"
    r"|[Oo]ut|[Ii]n|[Ww]rite|[Rr]ead|[Ss]ent|[Ss]ending|[Rr]eceived|[Rr]ecv|[Hh]ost|[Mm]odem|[Mm]odule)"
    r"(?::|[ \t]*(?:-->|<--|->|<-|>>|<<|[<>|])))[ \t]?"
)
"""A mark of direction at the start of a line."""

_OUT: Final = {">", ">>", ">>>", "->", "-->", "=>", "\u2192", "\u53d1\u2192\u25c7"}
_OUT_WORDS: Final = {"tx", "out", "write", "sent", "sending", "host", "dte"}


def direction_of(mark: str) -> Direction:
    """Return what a mark that MARK found says."""
    word = "".join(character for character in mark if character.isascii() and character.isalpha()).casefold()
    out = word in _OUT_WORDS if word else mark.rstrip("!") in _OUT
    return Direction.OUT if out else Direction.IN


LITERAL: Final = re.compile(r"b?(?P<quote>['\"])(?P<text>.*)(?P=quote)[,;]?", re.DOTALL)
"""A string as a programming language or ModemManager shows it."""

ESCAPE: Final = re.compile(
    r"\\(?:r|n|t|0|\\|'|\"|x[0-9A-Fa-f]{2})|<(?:CR|LF|NUL|ESC|SUB|0x[0-9A-Fa-f]{2})>|\[(?:CR|LF|0x[0-9A-Fa-f]{2})\]"
    r"|[\u240d\u240a]"
)
"""A control character that a log shows in words."""

_SHOWN_END: Final = r"(?:\\[rn]|<(?:CR|LF)>|\[(?:CR|LF)\]|[\u240d\u240a])"
LINE_END: Final = re.compile(rf"{_SHOWN_END}.*|.*{_SHOWN_END}", re.DOTALL)
"""A text that a shown line end begins or ends."""

_CONTROLS: Final = {
    "\\r": "\r",
    "\\n": "\n",
    "\\t": "\t",
    "\\0": "\0",
    "\\\\": "\\",
    "\\'": "'",
    '\\"': '"',
    "\u240d": "\r",
    "\u240a": "\n",
    "CR": "\r",
    "LF": "\n",
    "NUL": "\0",
    "ESC": "\x1b",
    "SUB": "\x1a",
}


def unescaped(text: str) -> str:
    """Return text with the control characters that it names."""
    return ESCAPE.sub(_control, text)


def _control(found: re.Match[str]) -> str:
    text = found[0].strip("<>[]")
    return _CONTROLS.get(text) or chr(int(text[-2:], 16))


PAIRS: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[ :,][0-9A-Fa-f]{2})+[ :,]?")
"""A line of a dump: pairs of hex digits with something between them."""

COLUMNS: Final = re.compile(
    r"(?P<offset>[0-9A-Fa-f]{4,8}):? {1,3}(?P<pairs>[0-9A-Fa-f]{2}(?: {1,3}[0-9A-Fa-f]{2}){0,31})"
    r"(?: *$|\s{2,}.*| +\|.*)"
)
"""A line of a dump by ``hexdump -C`` and its kin: offset, bytes, characters."""
