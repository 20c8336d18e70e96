"""Tests of the bridge's parts hold both ends of every line: on a clock that a busy machine does not move."""

from collections.abc import Callable, Mapping

from hypothesis import settings

from tests.fast_time import FastLoop

# how long an example takes says how busy the machine is
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], FastLoop]]:
    """Run every asynchronous test on such a loop, at the world's pace."""
    return {"patient": FastLoop}
