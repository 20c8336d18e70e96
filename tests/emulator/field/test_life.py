"""Hours of modules in the field; days of them are nightly."""

import pytest

from sim7020_emulator.field.conditions import PROFILES
from tests.emulator.field.life import live
from tests.emulator.field.stage import Outdoors, outdoors


@pytest.mark.parametrize("profile", PROFILES)
def test_hours(profile: str) -> None:
    """Every second is in a state, every datagram is counted once, and the module sleeps between its messages."""

    async def act(place: Outdoors) -> None:
        await live(place, 2)

    outdoors(profile, act, facts={"loss_up": "", "loss_down": ""})
