"""When a packet identifier may be forgotten."""

from sim7020_bridge.delivery.unproven import Unproven
from sim7020_bridge.mqtt.messages import Acknowledgement


def told(*packets: int) -> Unproven:
    """Return what acknowledged these packets."""
    unproven = Unproven()
    for packet in packets:
        unproven.acknowledged(Acknowledgement(1, packet))
    return unproven


def test_an_answer_proves_what_was_told_before() -> None:
    """The broker's answer proves what was told before the question, once, and nothing that was told after it."""
    unproven = told(1, 2)
    first, second = unproven.now(), unproven.now()
    unproven.acknowledged(Acknowledgement(1, 3))
    assert unproven.prove(first) == [1, 2]
    assert unproven.prove(second) == []
    assert unproven.prove(unproven.now()) == [3]


def test_a_packet_identifier_that_is_used_again() -> None:
    """A later message with the identifier is not forgotten with the earlier one, acknowledged or not."""
    unproven = told(1, 2)
    before = unproven.now()
    for packet in (1, 2):
        unproven.came(Acknowledgement(1, packet))
    unproven.acknowledged(Acknowledgement(1, 2))
    assert unproven.prove(before) == []
    assert unproven.prove(unproven.now()) == [2]


def test_another_connection_proves_nothing() -> None:
    """An answer that comes over another connection proves nothing of the one before."""
    unproven = told(1)
    before = unproven.now()
    unproven.lose()
    assert unproven.prove(before) == []
    unproven.acknowledged(Acknowledgement(2, 1))
    assert unproven.prove(before) == []
