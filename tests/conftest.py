"""No test leaves a program running, and several runs can share the tests."""

from tests.left_running import pytest_configure, pytest_runtest_teardown, pytest_sessionfinish
from tests.shared_out import pytest_runtestloop

__all__ = ["pytest_configure", "pytest_runtest_teardown", "pytest_runtestloop", "pytest_sessionfinish"]
