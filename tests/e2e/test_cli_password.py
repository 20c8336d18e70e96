"""``password``: typed in a terminal, or piped into it."""

from pathlib import Path

import pytest

from sim7020_bridge.http.passwords import read_passwords
from sim7020_bridge.http.role import Role
from tests.command_line import typed
from tests.e2e.terminal import Terminal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration."""
    file = tmp_path / "bridge.yaml"
    file.write_text("mqtt: {host: a.example}\nmodems: {shed: {port: /dev/ttyS9}}\nstate_dir: state\n", encoding="utf-8")
    return file


def kept(file: Path) -> Path:
    """Return where its passwords are."""
    return file.parent / "state" / "page.passwords"


async def test_in_a_terminal(file: Path) -> None:
    """It asks twice, shows nothing, and keeps only what scrypt makes of it, for one user."""
    async with Terminal("password", str(file)) as terminal:
        await terminal.sees("Password:")
        terminal.types("correct horse\r")
        await terminal.sees("Once more:")
        terminal.types("correct hose\r")
        seen = await terminal.sees("Password:", after=await terminal.sees("do not match"))
        terminal.types("correct horse\r")
        await terminal.sees("Once more:", after=seen)
        terminal.types("correct horse\r")
        assert await terminal.ends() == 0
        assert "horse" not in terminal.shown
    assert kept(file).stat().st_mode & 0o777 == 0o600
    assert b"horse" not in kept(file).read_bytes()
    assert read_passwords(kept(file))[Role.FULL].matches("correct horse")


async def test_both_and_one_less(file: Path) -> None:
    """Each role has its own password, which the other can't take, and either can go."""
    for arguments, password, status in (
        ([], "all of it\n", 0),
        (["--read-only"], "all of it\n", 2),
        (["--read-only"], "only eyes\n", 0),
        ([], "something new\r\n", 0),
        (["--read-only", "--remove"], "", 0),
        (["--read-only", "--remove"], "", 2),
    ):
        assert typed("password", "-c", str(file), *arguments, piped=password)[0] == status
    passwords = read_passwords(kept(file))
    assert passwords.keys() == {Role.FULL}
    assert passwords[Role.FULL].matches("something new")
    assert not passwords[Role.FULL].matches("all of it")


@pytest.mark.parametrize("password", ["", "short12", "x" * 1025])
def test_what_won_t_do(file: Path, password: str) -> None:
    """Too short and too long are mistakes, and nothing is written."""
    status, _, err = typed("password", "-c", str(file), piped=password)
    assert (status, "a password has at" in err) == (2, True)
    assert not kept(file).exists()


def test_bytes_that_are_no_text(file: Path) -> None:
    """A password is UTF-8."""
    status, _, err = typed("password", "-c", str(file), piped=b"\xff\xfe bytes \xff\n")
    assert (status, "UTF-8" in err) == (2, True)


def test_a_file_that_is_no_use(file: Path) -> None:
    """What is there already is not thrown away, and the sentence says where the mistake is."""
    kept(file).parent.mkdir()
    kept(file).write_text("full hunter2\n", encoding="utf-8")
    status, _, err = typed("password", "-c", str(file), piped="correct horse\n")
    assert status == 1
    assert "page.passwords:1 is no line" in err
    assert kept(file).read_text(encoding="utf-8") == "full hunter2\n"


def test_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is then where a bridge without a state_dir looks."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    assert typed("password", piped="correct horse\n")[0] == 0
    assert (tmp_path / "state" / "page.passwords").exists()
