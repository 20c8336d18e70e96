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
    r"|--> (?!Sending: )[A-Z][a-z]|(?:\[\d+\] )?### |expect \(|(?: -- )?got it$|(?:abort|report) on \(|timeout set to"
)
"""Lines that a terminal program, a library (TinyGSM), a dialler (wvdial, pppd's chat) or a person wrote.

They were never on the wire.
"""

SNIFFED: Final = re.compile(r"(?P<mark>[<>]) (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) +length=\d+ from=\d+ to=\d+")
"""The line before each block of a dump by ``socat -v``."""

_CLOCK: Final = r"\d{1,2}:\d\d:\d\d(?:[.,:]\d{1,9}){0,2}"
_DATE: Final = r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d{4})"
_INSTANT: Final = rf"(?:{_DATE}[T _]{_CLOCK}|{_CLOCK})(?: ?Z| ?[+-]\d\d:?\d\d)?"
_WEEKDAY: Final = rf"[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d {_CLOCK} \d{{4}}"
TIME: Final = re.compile(
    rf"\s*(?:[\[(](?P<framed>{_INSTANT}|{_WEEKDAY}|\s*\d+\.\d+ ?s?)[\])]:?"
    rf"|(?P<bare>{_INSTANT})(?=[\s,;|>]|->|$)[,;|]?"
    r"|(?P<seconds>\+?\d+\.\d{3,9})s?(?::|(?=\s+\S)))\s*"
)
"""A time at the start of a line: of day, with a date, or seconds since some start."""

_ARROW: Final = "-->|<--|=>|<="
PLACES: Final = tuple(
    map(
        re.compile,
        (
            # syslog and journalctl; a program on a terminal; gammu under its daemon
            rf"(?P<time>[A-Z][a-z]{{2}} [ \d]\d {_CLOCK}|\d{{4}}-\d\d-\d\dT[\d:.]+[+-][\d:]+) \S+ [\w./-]+\[\d+\]: ",
            r"[\w./-]+\[\d+\]: ",
            r"gammu: ",
            # the modem's name: ModemManager's, oFono's
            rf"(?:\[[\w/.-]+\]|\([\w/.-]+\)):? +(?={_ARROW})",
            r"[A-Z][a-z]+: (?=[<>] )",
            # a column of a table; Zephyr's shell and its debugger's terminal
            r'"(?P<time>[^"]{0,40}\d:\d\d[^"]{0,40})",',
            r"(?:\d\d> )?(?:\w+:~\$ )+|\d\d> (?=\[)",
        ),
    )
)
"""What stands before a line and says nothing of it but where and when."""

LOGGERS: Final = tuple(
    map(
        re.compile,
        (
            # Python's logging, and so this bridge; other languages' levels
            r"(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL) +(?:\[[^\]]*\] )?(?P<name>[\w.]+): ",
            r"(?:\d+ |: )?(?:TRACE|DEBUG|INFO|WARN|WARNING):? +(?:-> )?",
            # ModemManager, Zephyr, ESP-IDF, ESPHome, mbed, Android, RT-Thread, gammu
            r"<(?:debug|info|msg|warn|error)> +",
            r"<(?:dbg|inf|wrn|err)> \w+[.:] ?",
            r"[DEIVW] \((?P<time>\d+)\) [\w.-]+: ?",
            r"\[(?:VV|[CDEIVW])\]\[[\w.]+(?::\d+)?\](?:\[\w+\])?: ",
            r"(?:\[(?P<time>\d+)(?:ms)?\])?\[\w+ *\]\[\w+ *\]: ",
            r"[DEFIVW]/[\w.-]+ *(?:\( *\d+\))?: ",
            r"\[[DEIW]/[\w.-]+\] ",
            rf"[A-Z][a-z]{{2}} (?P<time>{_DATE} {_CLOCK}):?(?: gammu-smsd\[\d+\]:)? (?:gammu: )?",
        ),
    )
)
"""What a program puts before a line that logs more than the wire: unless a direction follows, the line is a remark.

A ``name`` other than a trace's has remarks only.
"""

_WORDS_END: Final = r"(?::|[ \t]*(?:-->|<--|->|<-|>>|<<|[<>|]))"


def _words(*words: str) -> str:
    return f"(?:{'|'.join(each for word in words for each in (word.upper(), word.capitalize(), word))}){_WORDS_END}"


_MARKS: Final = {
    Direction.OUT: (
        r"--> Sending:",  # wvdial
        r"AT send +\d+",  # Particle
        r"AT TX \( *\d+\):",  # mbed
        r"AT(?:\(\d+\))?>",  # Android
        r"send \((?=.*\)$)",  # pppd's chat
        r"S:(?=.* - \d+$)",  # ESPHome
        r"Sending command:|generic_command command",  # ESP-IDF, atat
        r"(?:modem_chat_script_next: )?sending:",  # Zephyr
        r"\[TX\](?: -)?",  # Docklight
        _words("tx", "out", "write", "sent", "send", "sending", "host", "dte"),
        r">!(?= )|-{1,3}>|>>>|>>|=>|>(?=\s|$)|\u2192|\u53d1\u2192\u25c7",
    ),
    Direction.IN: (
        r"AT read +(?:\S+ +)?\d+",
        r"AT RX \( *\d+\):",
        r"AT(?:\(\d+\))?<",
        r"R:(?=.* - \d+$)",
        r"Received (?:response:|(?=OK$|ERROR$))|pattern-detection:",
        r"modem_chat_log_received_command:",
        r"\[RX\](?: -)?",
        r'\d+ (?="[^"].*"$)',  # gammu numbers the lines of an answer
        _words("rx", "in", "read", "received", "response", "recv", "recvline", "modem", "module", "dce"),
        r"<!(?= )|<-{1,3}|<<<|<<|<=|<(?=\s|$)|\u2190|\u6536\u2190\u25c6",
    ),
}
MARKS: Final = {
    direction: re.compile(rf"\s*(?P<mark>{'|'.join(patterns)})[ \t]?") for direction, patterns in _MARKS.items()
}
"""Marks of direction at the start of a line."""

TAILS: Final = {"S:": re.compile(r" - \d+$"), "R:": re.compile(r" - \d+$"), "send (": re.compile(r"\)$")}
"""What some marks have at the end of their line."""

DUMPS: Final = (
    (Direction.OUT, re.compile(r"writing:$|SENDING frame ?type")),
    (Direction.IN, re.compile(r"reading:$")),
    (Direction.UNKNOWN, re.compile(r"RECEIVED frame ?type")),
)
"""Lines that say which way a dump behind them went (ESP-IDF, gammu); gammu's of what came has been told in lines."""


_LITERAL: Final = re.compile(
    r"(?P<shown>\"(?=b\"))?b?(?P<quote>['\"])(?P<text>.*)(?P=quote)(?(shown)\"|[,;]?)", re.DOTALL
)
_LIST: Final = re.compile(r"\[(?:b?'[^']*'(?:, )?)+\]")
_MEMBER: Final = re.compile(r"'(?P<text>[^']*)'")


def literals(text: str) -> list[re.Match[str]]:
    """Return the strings that a text is, as a programming language, a list in Python or ModemManager shows them."""
    if _LIST.fullmatch(text):
        return list(_MEMBER.finditer(text))
    literal = _LITERAL.fullmatch(text)
    return [] if literal is None else [literal]


ESCAPE: Final = re.compile(
    r"\\(?:r|n|t|0|\\|'|\"|x[0-9A-Fa-f]{2})|<(?:CR|LF|NUL|ESC|SUB|cr|ln|0x[0-9A-Fa-f]{2})>|\[(?:CR|LF|0x[0-9A-Fa-f]{2})\]"
    r"|[\u240d\u240a]|\^[MJ](?=\^[MJ]|$)"
)
"""A control character that a log shows in words."""

_SHOWN_END: Final = r"(?:\\[rn]|<(?:CR|LF|cr|ln)>|\[(?:CR|LF)\]|[\u240d\u240a]|\^[MJ](?=\^[MJ]|$))"
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
    "^M": "\r",
    "^J": "\n",
    "CR": "\r",
    "cr": "\r",
    "LF": "\n",
    "ln": "\n",
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
    r"(?P<offset>(?:0x)?[0-9A-Fa-f]{4,8}(?:-[0-9A-Fa-f]{4})?):? {1,3}"
    r"(?P<pairs>[0-9A-Fa-f]{2}(?: {1,3}[0-9A-Fa-f]{2}){0,31})"
    r"(?: *$|\s{2,}.*| +\|.*)"
)
"""A line of a dump by ``hexdump -C`` and its kin: offset, bytes, characters."""

GAMMU: Final = re.compile(r"(?P<pairs>[0-9A-F]{2}.(?:\|[0-9A-F]{2}.)+)(?: .*)?")
GAMMU_PAIR: Final = re.compile(r"([0-9A-F]{2}).(?:\||$)")
"""A line of gammu's dump, and each byte of it with the character that it is."""
