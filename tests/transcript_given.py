"""The vocabulary of `# given:` and `# event:` lines in transcripts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

MODELS = ("sim7020c", "sim7020e", "sim7020g")

# Firmware disagreements and the values each can have, its default first.
VARIANTS: dict[str, tuple[str, ...]] = {
    "dns": ("urc", "sync"),
    "cereg_rac": ("yes", "no"),
    "cereg_denied": ("bare", "place"),
    "csoc_read": ("full", "id"),
    "csoc_protocols": ("2", "3"),
    "csosend_max": ("512", "256"),
    "csodsend_max": ("768", "512", "unlimited"),
    "csocon_failure": ("error+csoerr", "error"),
    "server": ("no", "yes"),
    "csorxget_counts": ("returned", "requested"),
    "boot": ("rdy", "autobaud", "matready"),
    "csq_unknown": ("99", "0"),
    "csorcvflag_after_psm": ("kept", "reset"),
    "csoc_cid": ("refused", "accepted"),
    "spacing": ("space", "none"),
    "echo_quirk": ("no", "yes"),
    "cgcontrdp_tail": ("none", "space", "full"),
    "ipconfig": ("address", "interfaces"),
    "ipv6_address": ("whole", "own"),
    "cgpaddr_bare": ("answered", "refused"),
    "cops_format": ("long", "numeric"),
    "cscon": ("no", "yes"),
    "unreachable_port": ("silent", "reset"),
    "cgact_off": ("ok", "no_carrier"),
    "extra_ok": ("no", "yes"),
    "http_create": ("chttpcreate", "chttpcreat"),
    "cifsr": ("bare", "prefixed"),
    "link_blank": ("yes", "no"),
    "recv_from": ("bare", "plus"),
    "http_hex": ("upper", "lower"),
    "typed_ahead": ("kept", "lost"),
}

# Facts of the module, its SIM and its network; tests/transcripts/README.md says what each means.
FACTS = frozenset(
    {
        "imei", "imsi", "iccid", "number", "firmware", "sim", "pin", "pin_tries", "puk", "puk_tries",
        "operator", "plmn", "apn", "address", "gateway", "dns1", "dns2", "mtu", "dns6",
        "registration", "registration_time", "cell_time",
        "tac", "cell", "rac", "earfcn", "earfcn_offset", "pci", "band", "rssi", "ber", "rsrp", "rsrq",
        "cell_rssi", "snr", "ecl", "tx_power", "re_rsrp", "rrc", "neighbours", "t3346",
        "granted_tau", "granted_active", "granted_edrx", "granted_ptw",
        "clock", "sntp_clock", "voltage", "charge",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """A state at the start (`model`, `echo`, `attached`) or a fact."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A firmware switch."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Dns:
    """A name and its addresses, or the code with which resolving it fails."""

    name: str
    addresses: tuple[str, ...]
    failure: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """An address, the times of its replies in units of 100 ms (None: lost), and their TTL."""

    address: str
    times: tuple[int | None, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, `udp` or `tcp`, at the address that the module is told; a loopback server plays it."""

    protocol: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Fail:
    """An endpoint that yields a socket error when the module connects (`connect`) or sends (`send`) to it."""

    address: str
    port: int
    code: int
    moment: str


Given = Setting | Variant | Dns | Ping | Peer | Fail


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the module or its network, as words: `("peer", "0", "sends", "313233")`."""

    words: tuple[str, ...]
    line: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The event as it is written."""
        return " ".join(self.words)


# Each kind of event, as a pattern of the whole text; the README documents them in this order.
EVENTS = (
    r"peer \d+ sends (?:[0-9A-F]{2})+",
    r"peer \d+ receives (?:[0-9A-F]{2})+",
    r"peer \d+ closes",
    r"peer \d+ resets",
    r"client connects \d+",
    r"client \d+ sends (?:[0-9A-F]{2})+",
    r"socket \d fails -?\d+",
    r"power on",
    r"pwrkey",
    r"register (?:home|roaming|searching|none|unknown|withheld|denied:\d+)",
    r"detach",
    r"deactivate \d+",
    r"sim (?:removed|inserted)",
    r"voltage (?:under|over)-(?:warning|power-down)",
    r"network time \d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d",
    r"set [a-z0-9_]+=.+",
    r"wait \d+(?:\.\d+)?",
)


def parse_given(text: str) -> Given:
    """Read the value of a `# given:` line.

    Raises:
        ValueError: It is not of the vocabulary; the message says what is.
    """
    kind, _, rest = text.partition(" ")
    if kind in _GIVENS:
        return _GIVENS[kind](rest)
    name, value = _pair(text)
    allowed = {"model": MODELS, "echo": ("on", "off"), "attached": ("yes", "no")}
    if name not in allowed:
        raise ValueError(f"a given is model, echo, attached, set, variant, dns, ping, peer or fail (got {text!r})")
    return Setting(name, _one_of(name, value, allowed[name]))


def parse_event(text: str, line: int = 0) -> Event:
    """Read the value of an `# event:` line.

    Raises:
        ValueError: No such event.
    """
    if not any(re.fullmatch(pattern, text) for pattern in EVENTS):
        raise ValueError(f"no such event: {text!r}")
    if text.startswith("set "):
        setting = _fact(text.removeprefix("set "))
        return Event(("set", f"{setting.name}={setting.value}"), line)
    return Event(tuple(text.split(" ")), line)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"expected NAME=VALUE (got {text!r})")
    return name, value


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)} (got {value!r})")
    return value


def _fact(text: str) -> Setting:
    name, value = _pair(text)
    if name not in FACTS:
        raise ValueError(f"{name!r} is none of the facts {', '.join(sorted(FACTS))}")
    return Setting(name, value)


def _variant(text: str) -> Variant:
    name, value = _pair(text)
    if name not in VARIANTS:
        raise ValueError(f"{name!r} is none of the variants {', '.join(VARIANTS)}")
    return Variant(name, _one_of(name, value, VARIANTS[name]))


def _dns(text: str) -> Dns:
    name, value = _pair(text)
    if value.startswith("fail:"):
        return Dns(name, (), _number(value.removeprefix("fail:"), "a DNS failure code"))
    return Dns(name, tuple(_address(part) for part in value.split(",")))


def _ping(text: str) -> Ping:
    address, value = _pair(text)
    times, at, ttl = value.partition("@")
    if not at:
        raise ValueError(f"expected ADDRESS=TIMES@TTL (got {text!r})")
    replies = tuple(None if part == "lost" else _number(part, "a ping time") for part in times.split(","))
    return Ping(_address(address), replies, _number(ttl, "a TTL"))


def _peer(text: str) -> Peer:
    protocol, _, place = text.partition(" ")
    address, _, port = place.rpartition(":")
    if protocol not in {"udp", "tcp"}:
        raise ValueError(f"a peer is 'udp ADDRESS:PORT' or 'tcp ADDRESS:PORT' (got {text!r})")
    return Peer(protocol, _address(address), _number(port, "a port"))


def _fail(text: str) -> Fail:
    place, _, what = text.partition("=")
    address, _, port = place.rpartition(":")
    code, _, moment = what.partition("@")
    if moment not in {"connect", "send"} or not re.fullmatch(r"-?\d+", code):
        raise ValueError(f"a failure is 'fail ADDRESS:PORT=CODE@connect' or '...@send' (got {text!r})")
    return Fail(_address(address), _number(port, "a port"), int(code), moment)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"not an IP address: {text!r}") from None


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{what} is a whole number (got {text!r})")
    return int(text)


_GIVENS: dict[str, Callable[[str], Given]] = {
    "set": _fact,
    "variant": _variant,
    "dns": _dns,
    "ping": _ping,
    "peer": _peer,
    "fail": _fail,
}
