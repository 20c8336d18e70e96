"""Where state is kept: what is configured, what systemd gives, or the user's own place."""

import os
from pathlib import Path

import pytest

from sim7020_bridge.config.load import load
from sim7020_bridge.config.state_directory import default_state_dir
from sim7020_bridge.errors import ConfigurationError

MINIMAL = "mqtt: {host: h}\nmodems: {m: {port: /dev/ttyS0}}\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"STATE_DIRECTORY": "/var/lib/a", "HOME": "/home/u"}, "/var/lib/a", id="systemd"),
        pytest.param({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a", id="first of systemd's"),
        pytest.param({"XDG_STATE_HOME": "/s", "HOME": "/home/u"}, "/s/sim7020-bridge", id="XDG"),
        pytest.param({"XDG_STATE_HOME": "s", "HOME": "/h"}, "/h/.local/state/sim7020-bridge", id="relative XDG"),
        pytest.param({"STATE_DIRECTORY": "", "HOME": "/h"}, "/h/.local/state/sim7020-bridge", id="empty"),
    ],
)
def test_default(environment: dict[str, str], expected: str) -> None:
    """The most specific place that the environment names is taken."""
    assert default_state_dir(environment) == Path(expected)


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the process a user that the system doesn't know, as containers do."""
    for key in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)


@pytest.mark.usefixtures("no_home")
def test_needed_without_a_home(tmp_path: Path) -> None:
    """Where there is no default, the key is asked for, and with it the file is good."""
    file = tmp_path / "bridge.yaml"
    file.write_text(MINIMAL)
    with pytest.raises(ConfigurationError, match="state_dir: the key is needed here: "):
        load(file)
    file.write_text(f"{MINIMAL}state_dir: /var/lib/x\n")
    assert load(file).state_dir == Path("/var/lib/x")


def test_default_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a file, for example to check it, leaves no trace."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    file = tmp_path / "bridge.yaml"
    file.write_text(MINIMAL)
    assert load(file).state_dir == tmp_path / "state"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("~/state", "must be a path as it is: ~ and variables are not filled in (got '~/state')"),
        ("$HOME/state", "must be a path as it is: ~ and variables are not filled in (got '$HOME/state')"),
        ("bridge.yaml", "must be a directory, and there is a file of that name (got 'bridge.yaml')"),
        ('"a\\0"', "a path has no zero byte"),
        ("12", "must be text: put it in quotes"),
        (f"/{'x' * 300}", "must be a directory that can be used: File name too long"),
    ],
)
def test_wrong_directories(tmp_path: Path, written: str, message: str) -> None:
    """What can't be a directory is told with its line."""
    file = tmp_path / "bridge.yaml"
    file.write_text(f"{MINIMAL}state_dir: {written}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    [mistake] = caught.value.mistakes
    assert (mistake.where, mistake.line) == ("state_dir", 3)
    assert any(part in str(caught.value) for part in message.split("|"))
