"""Commands that the module refuses or answers late, and lines that are not what they should be."""

from dataclasses import replace
from typing import Final

from sim7020_bridge.modem.timing import Timing
from tests.e2e.fault import Fault, Wait

_TIMES: Final = Timing()


def _lacking(name: str, what: str, *commands: str) -> Fault:
    """Return a firmware that lacks commands: the modem is of use without them, and nobody is alarmed."""
    return Fault(
        "all-is-well",
        f"firmware without {what}",
        name=f"without-{name}",
        do=tuple(f'refuse "{command}" ERROR' for command in commands),
        speed=100,
    )


FAULTS: Final = (
    _lacking("echo-off", "`ATE0`: it echoes for ever", "ATE0*"),
    _lacking("error-codes", "`AT+CMEE`", "AT+CMEE*"),
    _lacking("identity", "a word of what it is", "AT+CG[MS]*", "AT+CIMI*", "AT+CCID*", "AT+ICCID*"),
    _lacking("rate", "`AT+IPR`", "AT+IPR*"),
    _lacking("power-saving", "power saving", "AT+CPSMS*", "AT+CEDRX*", "AT+CSCLK*", "AT+CPSMSTATUS*"),
    replace(
        _lacking("registration-reports", "reports of its registration", "AT+CEREG=*"),
        wait=Wait(3 * _TIMES.registration_poll, "without reports the registration is asked for every 5 s"),
    ),
    _lacking("packet-events", "reports of its contexts", "AT+CGEREP*"),
    _lacking("receive-settings", "`AT+CSORCVFLAG` and `AT+CSORXGET`", "AT+CSORCVFLAG*", "AT+CSORXGET*"),
    _lacking("acknowledgements", "`AT+CSOSENDFLAG`", "AT+CSOSENDFLAG*"),
    _lacking("clock", "a clock", "AT+CTZU*", "AT+CLTS*", "AT+CCLK*"),
    _lacking("readings", "signal, cell, supply and operator", "AT+CSQ*", "AT+CENG*", "AT+CBC*", "AT+COPS*"),
    _lacking("addresses", "a word of its address", "AT+CGPADDR*", "AT+CGCONTRDP*"),
    _lacking("socket-status", "`AT+CSOC?` and `AT+CSOSTATUS`", "AT+CSOC[?]", "AT+CSOSTATUS*"),
    Fault(
        "all-is-well",
        "makes no sockets, and there is no power hook",
        name="no-sockets",
        do=('refuse "AT+CSOC=*" ERROR',),
        ends="sockets_refused",
        alerts=frozenset({"sockets_refused"}),
        steps=frozenset({"sockets"}),
        speed=400,
    ),
    Fault(
        "all-is-well",
        "connects no sockets, and names no cause",
        name="no-connections",
        do=('refuse "AT+CSOCON=*" ERROR',),
        ends="sockets_refused",
        alerts=frozenset({"sockets_refused"}),
        steps=frozenset({"sockets"}),
        speed=400,
    ),
    Fault(
        "sockets-not-made",
        "makes no sockets until it restarts",
        faults=2,
        alerts=frozenset({"sockets_refused"}),
        steps=frozenset({"sockets", "context", "reattach", "reboot"}),
        speed=400,
    ),
    Fault(
        "sends-refused",
        "refuses to send for 13 minutes",
        faults=2,
        lasts=780,
        within=1500,
        alerts=frozenset({"sockets_refused"}),
        steps=frozenset({"sockets", "context", "reattach", "reboot"}),
        speed=400,
    ),
    Fault(
        "sends-refused-until-context",
        "refuses to send until its context was off",
        faults=2,
        alerts=frozenset({"sockets_refused"}),
        steps=frozenset({"sockets", "context"}),
        speed=400,
    ),
    Fault("lag-short", "what it says arrives 1.5 s late for two minutes", faults=2, speed=80),
    Fault(
        "lag",
        "what it says arrives 7 s late for two minutes",
        faults=2,
        steps=frozenset({"reopen"}),
        alerts=frozenset({"module_silent"}),
        speed=80,
    ),
    Fault(
        "all-is-well",
        "what it says arrives 7 s late for the first two minutes",
        name="lag-at-start",
        do=("lag 7 120",),
        faults=2,
        steps=frozenset({"reopen"}),
        alerts=frozenset({"module_silent"}),
        speed=80,
    ),
    Fault("send-late", "a send is answered after 50 s", faults=1, stays=60, speed=80),
    Fault("numbers-absurd", "signal, cell, supply and clock are nonsense", speed=80),
    Fault("sockets-leak", "five sockets are made whose numbers can't be read", steps=frozenset({"sockets"}), faults=1),
    Fault("close-refused", "five sockets can't be closed", steps=frozenset({"sockets"}), faults=6, speed=80),
    Fault("reports-misspelt", "detached by the network, and no report of it can be read", faults=4, speed=80),
    Fault(
        "end-of-socket-misspelt",
        "connections end, and the reports can't be read",
        steps=frozenset({"sockets"}),
        faults=2,
        lasts=0,
        wait=Wait(_TIMES.refresh_every, "a socket that is quiet is asked after every 5 min"),
        needs=0,
        chat=False,
        speed=200,
    ),
    Fault("spoilt", "one line in twenty has a wrong byte for ten minutes", faults=2, lasts=600, speed=200),
)
