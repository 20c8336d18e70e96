"""The help of the subcommands that face the modem."""

import sys

import pytest

from tests.e2e.world import run

COMMANDS = ("ports", "probe", "console", "decode", "record", "replay")


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_fits_a_screen(command: str) -> None:
    """It is at most 24 lines of 80 columns, with an example and the exit statuses."""
    status, out, err = await run(sys.executable, "-m", "sim7020_bridge", command, "--help")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any("Example:" in line and f"sim7020-bridge {command}" in line for line in lines)
    assert "Exit status: 0" in out
