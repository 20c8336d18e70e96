"""What carries out the routes of what is done to the bridge itself."""

import asyncio

from sim7020_bridge.page.administration_routes import Deferred


async def test_requests_that_come_together_share_it() -> None:
    """What may be done once at a time is held by one of it, whoever asked first."""
    made = []

    def make() -> dict[str, object]:
        made.append(object())
        return {"number": len(made)}

    deferred = Deferred(make)  # type: ignore[arg-type]
    first, second = await asyncio.gather(deferred(), deferred())
    assert first is second is await deferred()
    assert len(made) == 1
