"""No test leaves a program running."""

from tests.left_running import pytest_configure, pytest_runtest_teardown, pytest_sessionfinish

__all__ = ["pytest_configure", "pytest_runtest_teardown", "pytest_sessionfinish"]
