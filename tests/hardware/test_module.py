"""What `sim7020-bridge accept` does, as tests: `script/test --modem PORT`."""

import pytest

from sim7020_bridge.kit.accept.run import Record
from sim7020_bridge.kit.probe.finding import Status


@pytest.mark.timeout(3600)
def test_the_module(record: Record, check: str) -> None:
    """Each check ends without anything that is broken."""
    results = {result.name: result for result in record.results}
    assert check in results, record.ended
    assert results[check].status is not Status.BROKEN, results[check].words
