"""How long a module that its network detached may find its way back by itself."""

from sim7020_bridge.modem.detachments import AS_OFTEN_AS, LONGEST, Detachments


def test_patience_that_helps_has_an_end() -> None:
    """The first are met at once; one that then comes back by itself a moment late has twice as long, up to a bound."""
    detachments = Detachments()
    for _ in range(AS_OFTEN_AS):
        assert detachments.seen(0.0) == 1.0
        detachments.met()
        detachments.attached()
        detachments.ended()
    longer = []
    for _ in range(7):
        longer.append(detachments.seen(0.0))
        detachments.met()
        detachments.ended()
    assert longer == [2.0, 4.0, 8.0, 16.0, LONGEST, LONGEST, LONGEST]
