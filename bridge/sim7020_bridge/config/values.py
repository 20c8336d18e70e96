"""One value of a configuration file at a time: read it, or say what would do.

Every reader raises WrongValue with a sentence that says what is allowed.
"""

import re
import stat
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from string import hexdigits
from typing import TypeVar
from urllib.parse import urlsplit

from sim7020_bridge.config.model import LogLevel, LogPart
from sim7020_bridge.config.topic_names import filter_problem, topic_problem

BAUDRATES = (110, 300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 3000000)
"""The fixed rates of the module in bit/s (manual V1.05, ``AT+IPR``)."""

LONGEST_CLIENT_ID = 256
MAX_PORT = 65535
_CREDENTIALS = "/run/credentials"
MAX_SECRET_FILE = 4096
_OTHERS = 0o027
"""What nobody may do with a key's file: others anything, its group write."""

NO_POOLS = frozenset({"alert", "request", "response", "socket"})
"""What can't be a pool's name: its topics would be those of a modem called pool."""

DISCOVERY_PREFIX = "homeassistant"
KEEPALIVES = (5, 3600)

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MAX_HOST = 253

Choice = TypeVar("Choice", bound=StrEnum)


class WrongValue(ValueError):
    """The value won't do; the message says what would."""


def text(value: object) -> str:
    """Read a text that is not empty."""
    if isinstance(value, str) and value:
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise WrongValue("must be valid UTF-8")
        if re.fullmatch(r"\$\{\w+\}", value):
            raise WrongValue("${...} is not replaced here: use a variable SIM7020_..., or a key that ends in _file")
        return str(value)
    tag = getattr(getattr(value, "tag", None), "value", None)
    if isinstance(tag, str) and tag.startswith("!") and not isinstance(value, dict | list):
        raise WrongValue(f"{tag} is another program's: use a key that ends in _file, or a variable SIM7020_...")
    if value == "":
        raise WrongValue("must be text that is not empty")
    if isinstance(value, (dict, list)) or value is None:
        raise WrongValue("must be text")
    raise WrongValue("must be text: put it in quotes, or YAML takes it for something else")


def checked(problem_of: Callable[[str], str | None]) -> Callable[[object], str]:
    """Make a reader of texts in which a function finds no problem."""

    def read(value: object) -> str:
        written = text(value)
        if problem := problem_of(written):
            raise WrongValue(problem)
        return written

    return read


def matching(pattern: str, allowed: str) -> Callable[[object], str]:
    """Make a reader of texts that match a regular expression from end to end; ``allowed`` says in words which do."""
    form = re.compile(pattern, re.DOTALL)
    return checked(lambda written: None if form.fullmatch(written) else allowed)


name = matching(r"[a-z0-9_-]{1,32}", "a name has 1 to 32 characters of a-z, 0-9, _ and -")
credential = matching(r"[^\0]+", "must not contain a zero byte")
topic = checked(topic_problem)
topic_filter = checked(filter_problem)


def _quotable(longest: int, what: str) -> Callable[[object], str]:
    allowed = f"{what} has 1 to {longest} printable ASCII characters, without blanks, quotation marks and backslashes"
    return matching(rf"[!#-\[\]-~]{{1,{longest}}}", allowed)


apn = _quotable(100, "an APN")
"""The length is that of 3GPP TS 23.003 section 9.1."""

login = _quotable(64, "it")
"""A user name or a password for an APN."""


def pool(value: object) -> str:
    """Read the name of a pool."""
    if (label := name(value)) not in NO_POOLS:
        return label
    raise WrongValue(f"a pool can't be called {', '.join(sorted(NO_POOLS))}: these are words of the topics")


def whole_number(minimum: int, maximum: int) -> Callable[[object], int]:
    """Make a reader of whole numbers from ``minimum`` to ``maximum``."""

    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return int(value)
        quoted = " without quotes" if isinstance(value, str) and value.isascii() and value.isdigit() else ""
        raise WrongValue(f"must be a whole number from {minimum} to {maximum}{quoted}")

    return read


def baudrate(value: object) -> int:
    """Read a rate that the module has."""
    if isinstance(value, int) and not isinstance(value, bool) and value in BAUDRATES:
        return int(value)
    raise WrongValue(f"must be one of {', '.join(map(str, BAUDRATES))}")


def choice(allowed: type[Choice]) -> Callable[[object], Choice]:
    """Make a reader of one of an enumeration's values; numbers are taken for their text."""

    def read(value: object) -> Choice:
        written = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        if written in list(allowed):
            return allowed(written)
        near = get_close_matches(written.lower(), list(allowed), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise WrongValue(f"must be one of {', '.join(allowed)}{hint}")

    return read


def levels(value: object) -> dict[LogPart, LogLevel]:
    """Read the levels of single parts."""
    part, level = choice(LogPart), choice(LogLevel)
    if not isinstance(value, Mapping):
        raise WrongValue(f"must be a mapping of parts ({', '.join(LogPart)}) to levels ({', '.join(LogLevel)})")
    read = {}
    for key, item in value.items():
        try:
            read[part(key)] = level(item)
        except WrongValue as error:
            raise WrongValue(f"{key}: {error}") from error
    return read


def peer_host(value: object) -> str:
    """Read where a socket of the module connects to: an IPv4 address or a host name."""
    host = text(value)
    if ":" in host and _is_ipv6(host):
        raise WrongValue("must be an IPv4 address or a host name: the module's sockets are opened over IPv4")
    return _named_to_the_module(host)


def broker_host(value: object) -> str:
    """Read where the broker is: an IPv4 or IPv6 address, or a host name."""
    host = text(value)
    return host if _is_ipv6(host) else _host(host, "must be an IP address or a host name")


def an_address(value: object) -> str:
    """Read an IPv4 or IPv6 address."""
    address = text(value)
    try:
        return str(ip_address(address))
    except ValueError as error:
        raise WrongValue("must be an IP address") from error


def host_and_port(value: object) -> tuple[str, int | None]:
    """Read ``HOST[:PORT]``; an IPv6 address with a port stands in square brackets.

    Raises:
        WrongValue: It is none.
    """
    written = text(value)
    if "://" in written:
        raise WrongValue(f"must be HOST or HOST:PORT, without {written.partition('://')[0]}://")
    host, colon, port = written.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif not colon or ":" in host:
        return broker_host(written), None
    number = int(port) if port.isascii() and port.isdigit() else None
    return broker_host(host), whole_number(1, MAX_PORT)(number)


def broker_place(value: object) -> str:
    """Read the same as it is written."""
    host_and_port(value)
    return text(value)


def time_server(value: object) -> str:
    """Read where the module asks for the time: an IPv4 address or a host name."""
    return _named_to_the_module(text(value))


def _is_ipv6(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address)
    except ValueError:
        return False


def _named_to_the_module(host: str) -> str:
    # a dot at the end keeps search domains off, of which the module has none
    return _host(host, "must be an IPv4 address or a host name").removesuffix(".")


def _host(host: str, allowed: str) -> str:
    name = host.removesuffix(".")
    labels = name.split(".")
    if "://" in host:
        raise WrongValue(f"{allowed}, without a scheme such as mqtt:// and without a port")
    if len(name) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise WrongValue(allowed)
    if labels[-1].isdigit():
        try:
            ip_address(host)
        except ValueError as error:
            raise WrongValue(f"{allowed}; an address has four numbers from 0 to 255") from error
    return host


def serial_port(value: object) -> str:
    """Read a device path, or a ``socket://`` or ``rfc2217://`` URL."""
    port = text(value)
    if port.startswith("/"):
        if "\0" in port:
            raise WrongValue("a path has no zero byte")
        return port
    allowed = "must be a path such as /dev/ttyUSB0, or socket://host:port, or rfc2217://host:port"
    try:
        url = urlsplit(port)
        number = url.port
    except ValueError as error:
        raise WrongValue(allowed) from error
    if url.scheme not in {"socket", "rfc2217"} or url.username is not None or url.path or url.fragment:
        raise WrongValue(allowed)
    if url.query and url.scheme == "socket":
        raise WrongValue("a socket:// URL has nothing after the port")
    if not number:
        raise WrongValue(f"{allowed}, with a port from 1 to {MAX_PORT}")
    broker_host(url.hostname or None)
    return port


def base_topic(value: object) -> str:
    """Read what all topics of the bridge start with."""
    base = topic(value)
    if "" in base.split("/"):
        raise WrongValue("must not start or end with a slash, nor have two in a row")
    return base


def client_id(value: object) -> str:
    """Read an MQTT client identifier."""
    identifier = text(value)
    if len(identifier) > LONGEST_CLIENT_ID or not identifier.isprintable():
        raise WrongValue(f"must have at most {LONGEST_CLIENT_ID} characters, none of them a control character")
    return identifier


def discovery_prefix(value: object) -> str | None:
    """Read whether Home Assistant is told, and under which prefix."""
    if isinstance(value, bool):
        return DISCOVERY_PREFIX if value else None
    if not isinstance(value, str):
        raise WrongValue("must be true, false or what discovery topics start with")
    return base_topic(value)


def items(allowed: str) -> Callable[[object], list[object]]:
    """Make a reader of lists, whose items are read one by one; ``allowed`` says what they hold."""

    def read(value: object) -> list[object]:
        if isinstance(value, list):
            return list(value)
        raise WrongValue(f"must be a list of {allowed}")

    return read


def readable_file(directory: Path) -> Callable[[object], Path]:
    """Make a reader of paths to files that can be read, relative to ``directory``."""

    def read(value: object) -> Path:
        path = directory / text(value)
        _head(path, 1)
        return path

    return read


def directory(beside: Path) -> Callable[[object], Path]:
    """Make a reader of paths to directories, which need not exist yet, relative to ``beside``."""

    def read(value: object) -> Path:
        written = text(value)
        if "\0" in written:
            raise WrongValue("a path has no zero byte")
        if written.startswith(("~", "$")):
            raise WrongValue("must be a path as it is: ~ and variables are not filled in")
        path = (beside / written).absolute()
        try:
            if path.exists() and not path.is_dir():
                raise WrongValue("must be a directory, and there is a file of that name")
        except OSError as error:
            raise WrongValue(f"must be a directory that can be used: {error.strerror}") from error
        return path

    return read


def file_to_be(beside: Path) -> Callable[[object], Path]:
    """Make a reader of paths to files that need not exist yet, relative to ``beside``."""

    def read(value: object) -> Path:
        path = beside / text(value)
        try:
            if path.exists() and not path.is_file():
                raise WrongValue("must be a file, and there is something else of that name")
        except (OSError, ValueError) as error:
            raise WrongValue(f"must be a path that can be used: {getattr(error, 'strerror', None) or error}") from error
        return path

    return read


def secret_file(directory: Path) -> Callable[[object], str]:
    """Make a reader of secrets from files, relative to ``directory``; a line end at the end is left out."""

    def read(value: object) -> str:
        content = _head(directory / text(value), MAX_SECRET_FILE + 1)
        if len(content) > MAX_SECRET_FILE:
            raise WrongValue(f"the file has more than {MAX_SECRET_FILE} bytes")
        try:
            secret = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise WrongValue("the file is not UTF-8 text") from error
        if not secret:
            raise WrongValue("the file is empty")
        if "\n" in secret or "\0" in secret:
            raise WrongValue("the file must hold the secret alone, on one line")
        return secret

    return read


def oscore_secret_file(directory: Path) -> Callable[[object], bytes]:
    """Make a reader of secrets in hexadecimal, out of files that only their owner and their group may read."""
    read_text, read_hexadecimal = secret_file(directory), hexadecimal(16, 64)

    def read(value: object) -> bytes:
        path = directory / text(value)
        words = read_text(value)
        if not path.is_relative_to(_CREDENTIALS) and path.stat().st_mode & _OTHERS:
            raise WrongValue(f"others can read or change the file: chmod o=,g-w {path}")
        try:
            return read_hexadecimal(words)
        except WrongValue as error:
            raise WrongValue("the file must hold 16 to 64 bytes in hexadecimal") from error

    return read


def hexadecimal(fewest: int, most: int) -> Callable[[object], bytes]:
    """Make a reader of bytes in hexadecimal."""

    def read(value: object) -> bytes:
        if not isinstance(value, str) or len(value) % 2 or set(value) - set(hexdigits):
            raise WrongValue('must be bytes in hexadecimal, in quotes, such as "0a1b"')
        if not fewest <= len(value) // 2 <= most:
            raise WrongValue(f"must have {fewest} to {most} bytes")
        return bytes.fromhex(value)

    return read


def _head(path: Path, size: int) -> bytes:
    try:
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as file:
                return file.read(size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if path.is_relative_to(_CREDENTIALS):
            reason += "; systemd has it there while the service runs"
        raise WrongValue(f"must be a file that can be read: {reason}") from error
    raise WrongValue("must be a file")
