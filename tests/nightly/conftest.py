"""What takes too long for every change lives in the world of the end-to-end tests, too."""

from tests.e2e.conftest import world

__all__ = ["world"]
