"""The help of the subcommands that face the modem, and of what is made for it."""

import pytest

from tests.command_line import typed

COMMANDS = ("ports", "probe", "accept", "console", "decode", "record", "replay", "keys")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_screen(command: str) -> None:
    """It is at most 24 lines of 80 columns, with an example and the exit statuses."""
    status, out, err = typed(command, "--help")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any("Example:" in line and f"sim7020-bridge {command}" in line for line in lines)
    assert "Exit status: 0" in out
