"""The systemd unit and what goes with it, judged by systemd's own tools."""

import os
import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Final

import pytest

from sim7020_bridge.config.load import load
from tests.packaging.files import PACKAGING

SYSTEMD: Final = PACKAGING / "systemd"
UNIT: Final = SYSTEMD / "sim7020-bridge.service"
FAR_END: Final = SYSTEMD / "sim7020-far-end.service"
MOST_EXPOSED: Final = 20
"""Tenths of the highest exposure that is allowed; from 0 (none) to 100, and systemd calls up to 45 OK."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of systemd's tools."""
    return subprocess.run(command, check=False, capture_output=True, text=True)


def setting(text: str, name: str) -> list[str]:
    """Return the values that a unit gives to a key."""
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@pytest.fixture(params=[UNIT, FAR_END], ids=lambda unit: unit.stem)
def installed(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Put each unit where systemd finds a program under its name."""
    program = tmp_path / "sim7020-bridge"
    program.symlink_to(sys.executable)
    given: Path = request.param
    unit = tmp_path / given.name
    unit.write_text(given.read_text().replace("/opt/sim7020-bridge/bin/sim7020-bridge", str(program)))
    return unit


def test_systemd_finds_no_fault_with_the_unit(installed: Path) -> None:
    """No key that it doesn't know, no value that it can't read."""
    verified = run("systemd-analyze", "verify", "--man=no", installed)
    assert verified.stdout + verified.stderr == ""
    assert verified.returncode == 0


def test_a_fault_in_the_unit_would_be_found(installed: Path) -> None:
    """A key with a slip of the pen is told of."""
    installed.write_text(installed.read_text().replace("ProtectHome=", "ProtectHomes="))
    verified = run("systemd-analyze", "verify", "--man=no", installed)
    assert "ProtectHomes" in verified.stderr


def test_the_unit_is_hardly_exposed(installed: Path) -> None:
    """Systemd's own judgement of its hardening stays within what it is now."""
    judged = run(
        "systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", installed
    )
    assert judged.returncode == 0, judged.stdout
    assert "OK" in judged.stdout.splitlines()[-1]


def test_without_its_hardening_the_unit_would_be_refused(installed: Path) -> None:
    """The judgement is one: the same service without protection fails it."""
    lines = [line for line in installed.read_text().splitlines() if not line.startswith(("Protect", "Restrict", "Cap"))]
    installed.write_text("\n".join(lines))
    judged = run(
        "systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", installed
    )
    assert judged.returncode != 0


def test_the_user_of_the_unit_is_made_and_may_use_serial_ports(tmp_path: Path) -> None:
    """systemd-sysusers makes the very user that the unit names, in the group of the ports."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("dialout:x:20:\n")
    made = run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "sim7020-bridge.sysusers")
    assert made.returncode == 0, made.stderr
    (user,) = setting(UNIT.read_text(), "User")
    passwd = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    assert passwd[user][6] == "/usr/sbin/nologin"
    assert passwd[user][5] == "/var/lib/" + setting(UNIT.read_text(), "StateDirectory")[0]
    assert f"dialout:x:20:{user}" in (tmp_path / "etc/group").read_text()


def test_the_folders_of_the_unit_are_made_and_its_secrets_are_roots(tmp_path: Path) -> None:
    """systemd-tmpfiles makes the folder that the unit takes secrets from, for root alone."""
    if os.geteuid() == 0:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (tmp_path / "etc/group").write_text("root:x:0:\nsim7020-bridge:x:7020:\n")
        made = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", SYSTEMD / "sim7020-bridge.tmpfiles")
        assert made.returncode == 0, made.stderr
        folder = tmp_path / "etc/sim7020-bridge"
        assert folder.stat().st_gid == 7020
        assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    lines = (SYSTEMD / "sim7020-bridge.tmpfiles").read_text().splitlines()
    ((_, secrets),) = [value.split(":") for value in setting(UNIT.read_text(), "LoadCredential")]
    assert f"d {secrets} 0700 root root -" in lines


@pytest.mark.parametrize("unit", [UNIT, FAR_END], ids=lambda unit: unit.stem)
def test_no_secret_can_stand_in_the_unit(unit: Path) -> None:
    """Whoever may read units must not read passwords: neither a value nor a variable holds one."""
    text = unit.read_text()
    assert setting(text, "Environment") == setting(text, "SetCredential") == []


@pytest.mark.parametrize("unit", [UNIT, FAR_END], ids=lambda unit: unit.stem)
def test_the_unit_is_one_that_a_parser_of_its_own_reads(unit: Path) -> None:
    """Sections and keys are where systemd wants them."""
    parser = RawConfigParser(strict=False)
    parser.read_string(unit.read_text())
    assert parser.sections() == ["Unit", "Service", "Install"]
    assert parser["Service"]["Type"] == "notify"
    assert parser["Install"]["WantedBy"] == "multi-user.target"


async def test_a_mistake_in_the_configuration_is_not_tried_again(tmp_path: Path) -> None:
    """The exit status that the unit does not restart after is the one that the bridge ends with."""
    (tmp_path / "bridge.yaml").write_text("modems: {}\n")
    ended = run(sys.executable, "-m", "sim7020_bridge", "run", "--config", tmp_path / "bridge.yaml")
    assert setting(UNIT.read_text(), "RestartPreventExitStatus") == [str(ended.returncode)]
    ended = run(sys.executable, "-m", "sim7020_bridge", "far-end", "--config", tmp_path / "bridge.yaml")
    assert setting(FAR_END.read_text(), "RestartPreventExitStatus") == [str(ended.returncode)]


def test_a_credential_is_a_secret_file(tmp_path: Path) -> None:
    """What systemd hands over is what `password_file` takes: a file with or without a line end."""
    for content in ("secret", "secret\n"):
        (tmp_path / "secret_mqtt").write_text(content)
        (tmp_path / "bridge.yaml").write_text(
            f"mqtt: {{host: broker, username: bridge, password_file: {tmp_path}/secret_mqtt}}\n"
            "modems: {shed: {port: /dev/sim7020-shed}}\n"
        )
        assert load(tmp_path / "bridge.yaml").mqtt.password == "secret"  # noqa: S105 - it is none
