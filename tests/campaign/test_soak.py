"""What the soak counts."""

import time

from tests.campaign.soak import Soaked, given


def test_account() -> None:
    """What had its end and did not arrive is lost, unless noise damaged it or the module had taken a datagram."""
    account = Soaked(speed=10.0, use=[(40.0, 16, 2)] * 16)
    now = time.monotonic()
    account.sent = {"control-1": now, "control-2": now, "telemetry-3": now}
    account.arrived(b"control-2;cont\xffol-1;")
    for name in account.sent:
        account.ends[name] = [b'{"state": "accepted"}']
        account.ended[name] = now
    assert account.damaged == 1
    assert account.verdict()["lost"] == 2
    assert account.broken() == ["lost: 2"]
    account.given = {"control-1", "telemetry-3"}
    assert account.verdict()["lost"] == 1
    assert account.verdict()["datagrams lost with the module or its network"] == 1
    account.faults = [(now - 1, "fault: noise 3 30")]
    assert account.verdict()["lost"] == 0
    assert not account.broken()
    account.use[-1] = (40.0, 18, 2)
    assert account.broken() == ["descriptors and threads: (16, 2) became (18, 2)"]
    account.use[-4:] = [(60.0, 16, 2)] * 4
    assert account.broken() == ["memory: +50.0 %"]


def test_what_the_module_took() -> None:
    """A send counts once the module has answered it with OK, and not with what it answered to something else."""
    sends = [f'> AT+CSOSEND=0,2,"{name.encode().ljust(12, b".").hex().upper()}3B"' for name in ("m-1", "m-2", "m-3")]
    trace = [sends[0], "< +CSQ: 20,0", "< OK", sends[1], "< ERROR", sends[2], "> AT", "< OK"]
    assert given("\n".join(trace)) == {"m-1"}
