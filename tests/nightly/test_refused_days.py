"""A day of each thing that a module may refuse for good."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from tests.e2e.refused_days import REFUSALS, Day, Refusal, check, live


@pytest.fixture(scope="module")
def days(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Day]]]:
    """Live through the days whose tests were selected, three at a time: most of it is waiting."""
    items = [
        item for item in request.session.items if isinstance(item, pytest.Function) and "days" in item.fixturenames
    ]
    wanted = [item.callspec.params["refusal"] for item in items]
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        yield {
            refusal.name: processes.submit(live, refusal, tmp_path_factory.mktemp("day"))
            for refusal in wanted
            if isinstance(refusal, Refusal)
        }
        processes.shutdown(cancel_futures=True)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_day(refusal: Refusal, days: dict[str, Future[Day]]) -> None:
    """The ceiling holds, what waits is kept, one alert tells, and the log stays short."""
    check(refusal, days[refusal.name].result())
