"""The outbox over so many orders of commits that the rare ones are among them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.config.model import WhenFull
from tests.bridge.outbox.test_uncommitted import STEPS, in_order


@settings(max_examples=800, deadline=None)
@given(STEPS, st.sampled_from(WhenFull))
def test_any_order_of_commits(steps: list[object], when_full: WhenFull) -> None:
    """What was acknowledged is on disk or has one final receipt, at each moment; what waits in memory is on disk."""
    in_order(steps, when_full)
