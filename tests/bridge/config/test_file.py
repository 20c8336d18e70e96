"""The configuration's file itself: that it can be read, and by whom else."""

import os
import stat
from pathlib import Path

import pytest

from sim7020_bridge.config.load import exposed, load, read
from sim7020_bridge.errors import ConfigurationError, Mistake


def test_missing_file(tmp_path: Path) -> None:
    """A file that isn't there is a mistake of the user's."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "no.yaml")
    assert caught.value.mistakes == (Mistake("", "the file can't be read: No such file or directory"),)


def test_directory(tmp_path: Path) -> None:
    """So is a directory."""
    with pytest.raises(ConfigurationError, match="the file can't be read: Is a directory"):
        load(tmp_path)


def test_zero_byte_in_path() -> None:
    """So is a path that can't be one."""
    with pytest.raises(ConfigurationError, match="the file can't be read: embedded null byte"):
        load(Path("a\0b"))


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that the user may not read says so; root may read all, so a child process gives its rights away."""
    file = tmp_path / "bridge.yaml"
    file.write_text("mqtt: {host: h}\n")
    file.chmod(0)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        if directory.stat().st_uid == os.getuid():
            directory.chmod(directory.stat().st_mode | stat.S_IXOTH)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            load(file)
        except ConfigurationError as error:
            status = 0 if "the file can't be read: Permission denied" in str(error) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_secrets_that_anybody_can_read(tmp_path: Path) -> None:
    """Which keys of a file that others can read are secret; what the environment gives is none of them."""
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "mqtt: {host: broker, username: u, password: secret}\nstate_dir: /var/lib/x\n"
        "modems:\n  shed: {port: /dev/ttyUSB0, pin: '0000'}\n  attic: {port: /dev/ttyUSB1}\n"
    )
    file.chmod(0o644)
    assert exposed(read(file), file) == ("mqtt.password", "modems.shed.pin")
    file.chmod(0o640)
    assert exposed(read(file), file) == ()
    file.write_text(file.read_text().replace(", password: secret", ""))
    file.chmod(0o644)
    reading = read(file, {"SIM7020_MQTT__PASSWORD": "secret"})
    assert exposed(reading, file) == ("modems.shed.pin",)
