"""What the command line says to mistakes, and to a machine that has no room: one line, and never a traceback."""

import sys
from pathlib import Path

import pytest

from tests.command_line import typed
from tests.e2e.line_partner import line_partner, silent
from tests.e2e.world import run

BRIDGE = (sys.executable, "-m", "sim7020_bridge")

MISTAKES = {
    "port of a broker": (("status", "--broker", "a:b"), 2, "--broker: must be a whole number"),
    "no broker": (("watch", "--broker", ""), 2, "--broker: must be text"),
    "no password": (
        ("send", "-m", "m", "-s", "s", "x", "--password-file", "none"),
        2,
        "--password-file: must be a file that can be read",
    ),
    "topic": (("status", "--base-topic", "#"), 2, "--base-topic: "),
    "no number": (("send", "-m", "m", "-s", "s", "x", "--timeout", "nan"), 2, "'--timeout': 'nan' is not a number"),
    "negative patience": (("health", "--timeout", "-1"), 2, "'--timeout': -1.0 is not in the range"),
    "no text": (("send", "-m", "m", "-s", "s", "x", "--key", "\udcff"), 2, "--key: must be valid UTF-8"),
    "no name of a port": (("init", "new.at", "--port", "/dev/\udcff"), 2, "--port: must be valid UTF-8"),
    "no tty": (("record", "/dev/null", "new.at"), 1, "/dev/null: it is no serial port"),
    "a directory": (("record", ".", "new.at"), 1, ".: it is no serial port"),
    "no place": (("record", "rfc2217://", "new.at"), 1, "the URL needs a host and a port from 1 to 65535"),
    "no port in a URL": (("console", "socket://127.0.0.1"), 1, "the URL needs a host and a port from 1 to 65535"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The option, the file or the port that is wrong stands in the message, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    arguments, expected, words = MISTAKES[mistake]
    status, out, err = typed(*arguments)
    assert (status, out) == (expected, "")
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "new.at").exists()


@pytest.mark.parametrize("arguments", ["decode {log}", "ports", "init --help"])
async def test_output_that_finds_no_room(arguments: str, tmp_path: Path) -> None:
    """A full disk behind the output is one line and status 1."""
    log = tmp_path / "log"
    log.write_bytes(b"AT\r\nOK\r\n" * 1000)
    command = f"{sys.executable} -m sim7020_bridge {arguments.format(log=log)} > /dev/full"
    status, _, err = await run("sh", "-c", command)
    assert (status, err) == (1, "the output can't be written: No space left on device\n")


def test_a_recording_that_does_not_begin_costs_no_old_one(tmp_path: Path) -> None:
    """With --force too, the file stays as it is until there is a port to record."""
    file = tmp_path / "old.at"
    file.write_text("> AT\n")
    status, _, err = typed("record", "/dev/nothing", str(file), "--force")
    assert (status, err) == (1, "/dev/nothing: there is no such device; is the modem plugged in?\n")
    assert file.read_text() == "> AT\n"


async def test_a_recording_that_finds_no_room() -> None:
    """A full disk under the recording ends it with one line."""
    async with line_partner(silent) as port:
        status, _, err = await run(*BRIDGE, "record", port, "/dev/full", "--force")
    assert (status, err) == (1, "/dev/full can't be written: No space left on device\n")


@pytest.mark.parametrize(
    "command", [["outbox"], ["outbox", "list"], ["outbox", "cancel"], ["outbox", "purge"], ["outbox", "move"]]
)
def test_help_of_the_outbox_has_an_example(command: list[str]) -> None:
    """Each of its commands fits a screen and shows how it is used."""
    status, out, _ = typed(*command, "--help")
    assert status == 0
    assert f"Example:     sim7020-bridge {' '.join(command)}" in out or f"sim7020-bridge {' '.join(command)} -" in out
    assert len(out.splitlines()) <= 24
