"""How long is waited for an answer: what is learnt of a server, and never less than what was only slow takes."""

from sim7020_bridge.coap.timeout import CEILING, FLOORS, Timeout


def test_floors() -> None:
    """What was never measured, or quick, is waited for as long as the coverage level wants."""
    timeout = Timeout()
    assert [timeout.seconds(level) for level in (0, 1, 2)] == list(FLOORS)
    assert timeout.seconds(None) == FLOORS[1]
    assert (timeout.seconds(-1), timeout.seconds(7)) == (FLOORS[0], FLOORS[2])
    for _ in range(100):
        timeout.measured(0.2)
    assert timeout.seconds(0) == FLOORS[0]


def test_learnt() -> None:
    """A slow server is waited for as RFC 6298 has it: from the first measurement on, and by how much they differ."""
    timeout = Timeout()
    timeout.measured(10.0)
    assert timeout.seconds(0) == 10 + 4 * 5
    timeout.measured(10.0)
    assert timeout.seconds(0) == 10 + 4 * 3.75
    for _ in range(200):
        timeout.measured(10.0)
    assert 10 <= timeout.seconds(0) < 10.1
    for _ in range(200):
        timeout.measured(20.0)
    assert 20 <= timeout.seconds(0) < 20.1
    for seconds in 50 * (2.0, 40.0):
        timeout.measured(seconds)
    assert timeout.seconds(0) == CEILING


def test_exceeded() -> None:
    """An answer to one of several datagrams makes the wait longer, until an answer to a single one is measured."""
    timeout = Timeout()
    timeout.exceeded(25.0)
    assert timeout.seconds(0) == 25
    timeout.exceeded(20.0)
    assert timeout.seconds(0) == 25
    timeout.exceeded(400.0)
    assert timeout.seconds(0) == CEILING
    timeout.measured(1.0)
    assert timeout.seconds(0) == FLOORS[0]
