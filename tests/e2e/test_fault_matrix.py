"""Every fault, end to end: what the bridge does about it, what it tells, and that it is well again by itself.

Each fault is lived through in one of four processes of its own, for most of the time is spent waiting. With
RELIABILITY_PACE set (1: as usual, 0.5: half as fast and more exact) what each recovery may take is asserted, and the
table of docs/reliability.md is written.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING
from tests.e2e.fault import UP, Fault
from tests.e2e.fault_run import Outcome, live_through_one
from tests.e2e.faults import FAULTS
from tests.e2e.reliability import table, write

PACE = os.environ.get("RELIABILITY_PACE")
ATTACHING = ("AT+CFUN=1", "AT+CGATT=1", "AT+COPS=0")
BY_THE_WAY = frozenset({"resync", "sockets"})
"""Steps that are no surprise: on a busy machine an answer may be late."""


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Outcome]]]:
    """Live through the faults whose tests were selected; write the table if it is wanted and all came to their end."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    faults = [item.callspec.params["fault"] for item in items if item.originalname == "test_fault"]
    names = [fault.id for fault in faults if isinstance(fault, Fault)]
    with (
        pytest.MonkeyPatch.context() as patched,
        ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        # to measure the coverage of these processes takes as much as a third of what they do, and shows no other lines
        patched.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        running = {
            name: processes.submit(live_through_one, name, float(PACE or 1), tmp_path_factory.mktemp(name))
            for name in names
        }
        yield running
        processes.shutdown(cancel_futures=True)
    ended = [future for future in running.values() if future.done() and future.exception() is None]
    if PACE is not None and len(ended) == len(FAULTS):
        write("matrix", table([(fault, running[fault.id].result()) for fault in FAULTS]))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_fault(fault: Fault, outcomes: dict[str, Future[Outcome]]) -> None:
    """The bridge takes the expected steps, raises the expected alerts and removes them when mended; its log tells."""
    outcome = outcomes[fault.id].result()
    taken = frozenset(outcome.steps)
    said = "\n".join(outcome.said)
    assert fault.steps <= taken <= fault.steps | BY_THE_WAY, said
    assert outcome.raised == fault.alerts, said
    if fault.ends == UP:
        assert outcome.up, said
        assert not outcome.alerts, said
    else:
        assert fault.ends in outcome.alerts, said
        assert not outcome.up, said
    assert not outcome.untold, said
    pins = [command for command in outcome.commands if command.startswith("AT+CPIN=")]
    assert len(pins) == len(set(pins)), "a PIN was tried twice"
    attaches = sum(command.startswith(ATTACHING) for command in outcome.commands)
    assert attaches < DEFAULT_ATTACH_CEILING, "the ceiling of a day, and no fault lasts that long"
    if PACE is not None and fault.ends == UP:
        assert outcome.added <= outcome.allowed, f"the bridge added more than 2 s and a tenth\n{said}"


def test_matrix_is_wide() -> None:
    """There are more than 40 scenarios, and an hour of denial is among them."""
    assert len({fault.id for fault in FAULTS}) == len(FAULTS) > 40
    assert any(fault.ends == "registration_denied" and fault.stays >= 3600 for fault in FAULTS)
