"""Fixtures of the campaign against the bridge."""

from tests.e2e import conftest

world = conftest.world
