"""How long each layer took."""

from dataclasses import replace
from datetime import UTC, datetime

from sim7020_bridge.modem.state import Layer, ModemState, initial
from sim7020_bridge.page.link import LAYERS, BringUp

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def at(layer: Layer) -> ModemState:
    """Return a state whose link stands at a layer."""
    state = initial(AT)
    return replace(state, link=replace(state.link, layer=layer))


class Clocked:
    """A bring-up with a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.bring_up = BringUp(lambda: self.now, lambda: AT)

    def stands(self, layer: Layer, now: float) -> bool:
        """Let the link stand at a layer from now on."""
        self.now = now
        return self.bring_up.take(at(layer))

    @property
    def seconds(self) -> list[object]:
        """How long each took."""
        steps = self.bring_up.document()["steps"]
        assert isinstance(steps, list)
        assert [step["layer"] for step in steps] == list(LAYERS)
        return [step["seconds"] for step in steps]


def test_a_bring_up() -> None:
    """Each layer has the time from when those below held; what was there at once took none."""
    clocked = Clocked()
    assert clocked.seconds == [None] * 6
    assert not clocked.stands(Layer.PORT, 1)
    assert clocked.stands(Layer.AT, 2)
    assert clocked.stands(Layer.REGISTRATION, 5.5)
    assert clocked.seconds == [2, 3.5, 0, 0, None, None]
    clocked.stands(Layer.PDN, 10)
    clocked.stands(Layer.ONLINE, 11)
    assert clocked.seconds == [2, 3.5, 0, 0, 4.5, 1]
    assert not clocked.stands(Layer.SLEEPING, 12)


def test_a_setback() -> None:
    """What does not hold any more takes its time again, from when it fell: the time spent above was not its own."""
    clocked = Clocked()
    clocked.stands(Layer.REGISTRATION, 4)
    clocked.stands(Layer.AT, 6)
    assert clocked.seconds == [4, None, None, None, None, None]
    clocked.stands(Layer.PDN, 9)
    assert clocked.seconds == [4, 3, 0, 0, 0, None]
    clocked.stands(Layer.SIM, 3600)
    clocked.stands(Layer.REGISTRATION, 3601)
    assert clocked.seconds == [4, 3, 1, 0, None, None]


def test_a_loss_and_the_way_back() -> None:
    """After a loss only what was lost has to be brought up."""
    clocked = Clocked()
    clocked.stands(Layer.ONLINE, 20)
    assert clocked.stands(Layer.REGISTRATION, 100)
    assert clocked.seconds == [0, 0, 0, 0, None, None]
    clocked.stands(Layer.ONLINE, 130)
    assert clocked.seconds == [0, 0, 0, 0, 30, 0]
