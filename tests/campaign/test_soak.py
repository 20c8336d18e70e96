"""What the soak counts."""

import time

from tests.campaign.soak import Soaked, filled, given


def test_account() -> None:
    """What had its end and did not arrive is lost, unless noise damaged it or the module had taken a datagram."""
    account = Soaked(use=[(40.0, 16, 2)] * 16)
    now = time.monotonic()
    account.sent = dict.fromkeys(("control-1", "control-2", "control-3", "telemetry-4"), now)
    account.arrived(filled("control-2") + filled("control-1").replace(b"l-1,con", b"l-1,\xffon", 1))
    for name in account.sent:
        account.ends[name] = [b'{"state": "accepted"}']
        account.ended[name] = now
    assert account.damaged == {"control-1": 1}
    assert account.missing() == ["control-1", "control-3", "telemetry-4"]
    assert account.broken() == ["lost: 3"]
    account.given = {"control-3", "telemetry-4"}
    assert account.verdict()["datagrams lost with the module or its network"] == 1
    assert account.broken() == ["lost: 2"]
    # of what came to nobody noise is no excuse
    account.faults = [(now - 1, "fault: noise 3 30")]
    assert account.broken() == ["lost: 1"]
    account.arrived(filled("control-3"))
    assert not account.broken()
    account.use[-1] = (40.0, 18, 2)
    assert account.broken() == ["descriptors and threads: (16, 2) became (18, 2)"]
    account.use[-4:] = [(60.0, 16, 2)] * 4
    assert account.broken() == ["memory: +50.0 %"]


def test_what_the_module_took() -> None:
    """A send counts once the module has answered it with OK, and not with what it answered to something else."""
    sends = [f'> AT+CSOSEND=0,2,"{filled(name).hex().upper()}"' for name in ("m-1", "m-2", "m-3")]
    trace = [sends[0], "< +CSQ: 20,0", "< OK", sends[1], "< ERROR", sends[2], "> AT", "< OK"]
    assert given("\n".join(trace)) == {"m-1"}
