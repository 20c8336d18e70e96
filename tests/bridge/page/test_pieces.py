"""Long JSON, piece by piece."""

import asyncio
import json

import pytest

from sim7020_bridge.page.pieces import SLICE, in_json, in_pieces


@pytest.mark.parametrize("count", [0, 1, SLICE, 3 * SLICE + 1])
@pytest.mark.parametrize("more", [{}, {"more": True, "step": 60}])
async def test_it_is_the_same_as_at_once(count: int, more: dict[str, object]) -> None:
    """The object has the list and what is beside it."""
    parts = [{"n": number, "text": "<ä>\n"} for number in range(count)]
    assert json.loads(await in_pieces("lines", parts, **more)) == {"lines": parts, **more}


async def test_others_have_their_turn() -> None:
    """A long list is no reason to wait."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    await in_pieces("lines", range(10 * SLICE))
    assert turns >= 9
    other.cancel()


def test_half_a_character() -> None:
    """What is no text does not keep the rest from being shown."""
    assert in_json({"text": "a\ud800"}) == b'{"text":"a?"}'
