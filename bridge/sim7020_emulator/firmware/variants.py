"""Firmware differs: each row here is a point where sources disagree and the emulated module can play either side."""

from dataclasses import dataclass, field

from sim7020_emulator.mistakes import Mistake, choose


@dataclass(frozen=True, slots=True)
class Variant:
    """One switch: its name, what it may be (the first is the default), and what it changes."""

    name: str
    choices: tuple[str, ...]
    meaning: str


VARIANTS: tuple[Variant, ...] = (
    Variant("dns", ("urc", "sync"), "+CDNSGIP's answer: a line after OK, or a bare address before OK"),
    Variant("cereg_rac", ("yes", "no"), "whether +CEREG and +CGREG print the routing area code after AcT"),
    Variant(
        "cereg_denied", ("bare", "place"), "a denied +CEREG with its cause: without its cell, or with cell and timers"
    ),
    Variant("csoc_read", ("full", "id"), "AT+CSOC? prints id,domain,type,protocol or the id alone"),
    Variant("csoc_protocols", ("2", "3"), "the highest protocol number that +CSOC takes"),
    Variant("csosend_max", ("512", "256"), "the most bytes that one +CSOSEND takes"),
    Variant("csodsend_max", ("768", "512", "unlimited"), "the most bytes that one +CSODSEND takes"),
    Variant("csocon_failure", ("error+csoerr", "error"), "a failed connection: ERROR and +CSOERR, or ERROR alone"),
    Variant("server", ("no", "yes"), "whether a TCP socket can listen (+CSOLIS)"),
    Variant("csorxget_counts", ("returned", "requested"), "+CSORXGET's numbers: returned,left or requested,confirmed"),
    Variant("csoerr_names", ("manual", "note"), "codes 5, 11, 12 after the manual; the note has no 12 and prints 5"),
    Variant("boot", ("rdy", "autobaud", "matready"), "fixed rate with RDY, auto-baud in silence, or *MATREADY first"),
    Variant("csq_table", ("simcom", "27007"), "how dBm of the radio become +CSQ's rssi"),
    Variant("csq_unknown", ("99", "0"), "the rssi that +CSQ prints before a cell is found"),
    Variant("cscon", ("no", "yes"), "whether AT+CSCON tells of the radio connection"),
    Variant("csorcvflag_after_psm", ("kept", "reset"), "whether +CSORCVFLAG survives PSM"),
    Variant("csoc_cid", ("refused", "accepted"), "whether +CSOC takes a context id as fourth argument"),
    Variant("typed_ahead", ("kept", "lost"), "what is typed while a command is carried out: read after it, or lost"),
    Variant("spacing", ("space", "none"), "the blank after the colon of an answer"),
    Variant("echo_quirk", ("no", "yes"), "an extra CR LF after the echo of a command"),
    Variant("cgcontrdp_tail", ("none", "space", "full"), "+CGCONTRDP: four fields, a trailing blank, or every field"),
    Variant(
        "ipconfig", ("address", "interfaces"), "+IPCONFIG: the addresses of the PDN, or each interface's, 127.0.0.1 too"
    ),
    Variant(
        "ipv6_address", ("whole", "own"), "an IPv6 address in +CGPADDR and +CGCONTRDP: whole, or without its prefix"
    ),
    Variant("cgpaddr_bare", ("answered", "refused"), "AT+CGPADDR without a context id: every address, or ERROR"),
    Variant("cops_format", ("long", "numeric"), "the form of +COPS? until the host chooses one: name or number"),
    Variant(
        "unreachable_port", ("silent", "reset"), "a UDP port where nobody listens: nothing, or +CSOERR with code 3"
    ),
    Variant("cgact_off", ("ok", "no_carrier"), "what ends a successful +CGACT=0"),
    Variant("extra_ok", ("no", "yes"), "an OK after +CRESET, NORMAL POWER DOWN and DATA ACCEPT"),
    Variant("http_create", ("chttpcreate", "chttpcreat"), "the prefix of +CHTTPCREATE's answer"),
    Variant("cifsr", ("bare", "prefixed"), "+CIFSR: a bare address without OK, or a prefix and OK"),
    Variant("link_blank", ("yes", "no"), "the blank after a link's number: 0, CONNECT OK or 0,CONNECT OK"),
    Variant("recv_from", ("bare", "plus"), "+CIPSRIP=1 on one link: RECV FROM:ip:port, or a plus before it"),
    Variant("http_hex", ("upper", "lower"), "the digits of +CHTTPNMIC"),
    Variant(
        "wrong_rate", ("ignored", "garbage"), "on a pty whose rate is not the module's: pass bytes, or garble them"
    ),
)

_BY_NAME = {variant.name: variant for variant in VARIANTS}


@dataclass(slots=True)
class Variants:
    """The switches of one module; a name that was not set has its default."""

    chosen: dict[str, str] = field(default_factory=dict)

    def set(self, name: str, value: str) -> None:
        """Turn a switch; raises ``Mistake`` for an unknown name or value."""
        if name not in _BY_NAME:
            raise Mistake(f"unknown variant {name!r}; known are {', '.join(_BY_NAME)}")
        self.chosen[name] = choose(f"variant {name}", value, _BY_NAME[name].choices)

    def __getitem__(self, name: str) -> str:
        return self.chosen.get(name, _BY_NAME[name].choices[0])

    def is_set(self, name: str, value: str) -> bool:
        """Say whether the switch stands at ``value``."""
        if value not in _BY_NAME[name].choices:
            raise KeyError(value)
        return self[name] == value
