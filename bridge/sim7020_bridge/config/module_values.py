"""One value at a time of what concerns the module itself: its SIM, its sleep, its power, its commands.

Readers as in ``values``: each raises WrongValue with a sentence that says what is allowed.
"""

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sim7020_bridge.config import values
from sim7020_bridge.config.values import WrongValue, text

ATTACH_CEILINGS = (4, 1000)
ACTIVE_TIMES = (2, 11160)
"""T3324 in seconds, up to 31 times 6 min (3GPP TS 24.008 section 10.5.7.3)."""

PERIODIC_UPDATES = (2, 35712000)
"""T3412 extended in seconds, up to 31 times 320 h (3GPP TS 24.008 section 10.5.7.4a)."""

EDRX_CYCLES = (20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72, 2621.44, 5242.88, 10485.76)
"""The eDRX cycles of NB-IoT in seconds (3GPP TS 24.008 section 10.5.5.32)."""

PULSES = (0.1, 60)
MAX_GPIO_LINE = 1023

_WINDOW_STEP = 2.56
_WINDOWS = 16
_PIN = re.compile(r"[0-9]{4,8}")
_SHELL_WORDS = frozenset({"|", "||", "&", "&&", ";", "<", ">", ">>"})


def flag(value: object) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    raise WrongValue("must be true or false")


def seconds(minimum: float, maximum: float) -> Callable[[object], float]:
    """Make a reader of a time from ``minimum`` to ``maximum`` seconds."""

    def read(value: object) -> float:
        number = _number(value)
        if number is not None and minimum <= number <= maximum:
            return float(number)
        raise WrongValue(f"must be a number of seconds from {minimum} to {maximum}{_unquoted(value)}")

    return read


def edrx_cycle(value: object) -> float:
    """Read an eDRX cycle of NB-IoT, in seconds."""
    number = _number(value)
    if number is not None and number in EDRX_CYCLES:
        return float(number)
    raise WrongValue(f"must be one of {', '.join(map(str, EDRX_CYCLES))} seconds{_unquoted(value)}")


def paging_window(value: object) -> float:
    """Read a paging time window, in seconds."""
    number = _number(value)
    windows = [round(_WINDOW_STEP * steps, 2) for steps in range(1, _WINDOWS + 1)]
    if number is not None and number in windows:
        return float(number)
    near = ""
    if number is not None and windows[0] < number < windows[-1]:
        below = max(window for window in windows if window < number)
        above = min(window for window in windows if window > number)
        near = f"; next to it are {below} and {above}"
    raise WrongValue(
        f"must be a multiple of {_WINDOW_STEP} from {windows[0]} to {windows[-1]} seconds{_unquoted(value)}{near}"
    )


def power_saving_conflicts(saving: Mapping[object, object]) -> Iterator[tuple[str, str]]:
    """Yield each key of ``power_saving`` that does not go together with the others, and why, in words."""
    active, update, cycle, window = (
        _number(saving.get(key)) for key in ("active_time", "periodic_update", "edrx_cycle", "paging_window")
    )
    if active is not None and update is not None and update <= active:
        yield "periodic_update", f"must be longer than active_time, which is {active} s"
    if "paging_window" in saving and "edrx_cycle" not in saving:
        yield "paging_window", "needs edrx_cycle as well"
    if cycle is not None and window is not None and window > cycle:
        yield "paging_window", f"must not be longer than edrx_cycle, which is {cycle} s"
    if saving.get("retain_sockets") is True and "active_time" not in saving and "periodic_update" not in saving:
        yield "retain_sockets", "needs PSM: active_time or periodic_update as well"


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _unquoted(value: object) -> str:
    return " without quotes" if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) else ""


def pin(value: object) -> str:
    """Read a SIM's PIN."""
    if _number(value) is not None:
        raise WrongValue('write it in quotes, as in "0000": YAML takes it for a number and drops zeros in front')
    written = text(value)
    if _PIN.fullmatch(written):
        return written
    raise WrongValue("a PIN has 4 to 8 digits")


def pin_file(directory: Path) -> Callable[[object], str]:
    """Make a reader of PINs from files, relative to ``directory``."""
    secret = values.secret_file(directory)

    def read(value: object) -> str:
        if _PIN.fullmatch(written := secret(value)):
            return written
        raise WrongValue("the file must hold a PIN of 4 to 8 digits and nothing else")

    return read


def apn_password_file(directory: Path) -> Callable[[object], str]:
    """Make a reader of an APN's password from a file, relative to ``directory``."""
    secret = values.secret_file(directory)

    def read(value: object) -> str:
        try:
            return values.login(secret(value))
        except WrongValue as error:
            raise WrongValue(f"the file must hold the password alone: {error}") from error

    return read


def command(directory: Path) -> Callable[[object], tuple[str, ...]]:
    """Make a reader of a program with its arguments.

    A program with a slash in it is looked for beside the configuration, another one on the PATH.
    """

    def read(value: object) -> tuple[str, ...]:
        words = [_argument(word) for word in _words(value)]
        if not words or not words[0]:
            raise WrongValue("must name a program")
        return _program(words[0], directory), *words[1:]

    return read


def _words(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        raise WrongValue("must be a program with its arguments: a text, or a list such as [usb-power, off]")
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise WrongValue("has a quotation mark or a backslash without its other half") from error
    if found := next((word for word in words if word in _SHELL_WORDS), None):
        raise WrongValue(f"is run without a shell, which {found} needs: put it in a script and name that")
    return list(words)


def _argument(word: object) -> str:
    if not isinstance(word, str):
        raise WrongValue("each argument must be text: put numbers, true and false in quotes")
    if "\0" in word:
        raise WrongValue("an argument has no zero byte")
    return str(word)


def _program(name: str, directory: Path) -> str:
    if name.startswith("~"):
        raise WrongValue("~ is not filled in: write the program's whole path")
    if "/" not in name:
        if shutil.which(name) is None:
            raise WrongValue("there is no such program on the PATH: write its whole path")
        return name
    path = (directory / name).absolute()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise WrongValue("the program isn't there or may not be run")
    return str(path)


gpio_chip = values.matching(
    r"gpiochip[0-9]{1,4}|/dev/[^\0]*",
    "must be a GPIO chip such as gpiochip0 or /dev/gpiochip0; gpiodetect lists them",
)


def at_command(value: object) -> str:
    """Read an AT command to allow, or with ``*`` at its end what commands to allow start with."""
    written = text(value)
    if written == "*":
        raise WrongValue("to allow every command, write AT*")
    if not written.startswith("AT"):
        raise WrongValue("must start with AT")
    if ";" in written:
        raise WrongValue("must be one command: give those between semicolons as items of their own")
    if not written.isascii() or not written.isprintable() or written.endswith(" "):
        raise WrongValue("has printable ASCII characters only, and no blank at its end")
    return written
