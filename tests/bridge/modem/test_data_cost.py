"""What the network bills, against the sizes that the protocols have."""

from sim7020_bridge.modem.usage import Bytes, connected, pinged, received, resolved, sent, time_asked


def test_datagrams() -> None:
    """28 bytes of headers for each datagram (RFC 791, RFC 768)."""
    assert sent(100, stream=False) == Bytes(up=128)
    assert received(1, stream=False) == Bytes(down=29)


def test_segments() -> None:
    """40 bytes of headers for each segment and as much for its acknowledgement (RFC 9293)."""
    assert sent(512, stream=True) == Bytes(up=552, down=40)
    assert received(8, stream=True) == Bytes(up=40, down=48)
    assert connected() == Bytes(up=164, down=124)


def test_what_the_module_asks_for() -> None:
    """A query for example.net has 28 bytes of headers and 29 of its own (RFC 1035); a ping of 32 bytes has 60."""
    assert resolved("example.net", 1) == Bytes(up=57, down=73)
    assert pinged(32, asked=4, answered=3) == Bytes(up=240, down=180)
    assert time_asked() == Bytes(up=76, down=76)
