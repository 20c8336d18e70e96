"""The traffic of five sockets, for long enough that whatever is counted, kept or numbered comes round."""

from tests.e2e.test_traffic import both_ways
from tests.e2e.world import World


async def test_a_thousand_messages_each_way(world: World) -> None:
    """A thousand random messages each way on each of five mixed sockets at once arrive complete and in order."""
    await both_ways(world, 1000)
