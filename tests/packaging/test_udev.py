"""The udev rules: what the script writes for an adapter, and the form of every rule."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.files import PACKAGING

UDEV: Final = PACKAGING / "udev"
RULE: Final = re.compile(
    r'SUBSYSTEM=="tty"(, (ENV\{[A-Z_]+\}|KERNEL)=="[^"]+")+, SYMLINK\+="sim7020-[a-z0-9_-]+",'
    r' ENV\{ID_MM_DEVICE_IGNORE\}="1", ENV\{ID_MM_PORT_IGNORE\}="1", TAG\+="systemd"'
)
CP2102: Final = {
    "DEVNAME": "/dev/ttyUSB0",
    "SUBSYSTEM": "tty",
    "ID_BUS": "usb",
    "ID_VENDOR_ID": "10c4",
    "ID_MODEL_ID": "ea60",
    "ID_SERIAL": "Silicon_Labs_CP2102_0001A2B3",
    "ID_SERIAL_SHORT": "0001A2B3",
    "ID_USB_INTERFACE_NUM": "00",
    "ID_PATH": "pci-0000:00:14.0-usb-0:2:1.0",
}
CH340: Final = {
    "DEVNAME": "/dev/ttyUSB1",
    "SUBSYSTEM": "tty",
    "ID_BUS": "usb",
    "ID_VENDOR_ID": "1a86",
    "ID_MODEL_ID": "7523",
    "ID_SERIAL": "1a86_USB_Serial",
    "ID_PATH": "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.2:1.0",
}


def made(directory: Path, properties: dict[str, str] | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script with a udevadm that knows one device, or none."""
    udevadm = directory / "udevadm"
    if properties is None:
        udevadm.write_text("#!/bin/sh\nexit 1\n")
    else:
        (directory / "properties").write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        udevadm.write_text(f'#!/bin/sh\ncat "{directory}/properties"\n')
    udevadm.chmod(0o755)
    return subprocess.run(
        [UDEV / "make-rule", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": f"{directory}:{os.environ['PATH']}"},
    )


def test_an_adapter_with_a_serial_number_is_told_by_it(tmp_path: Path) -> None:
    """Wherever it is plugged in, and no other of its make."""
    rule = made(tmp_path, CP2102, "shed", "/dev/ttyUSB0")
    assert (rule.returncode, rule.stderr) == (0, "")
    assert RULE.fullmatch(rule.stdout.strip())
    assert 'ENV{ID_SERIAL_SHORT}=="0001A2B3"' in rule.stdout
    assert 'SYMLINK+="sim7020-shed"' in rule.stdout
    assert "ID_PATH" not in rule.stdout


def test_a_system_without_udev_is_told_so(tmp_path: Path) -> None:
    """In one line."""
    sh = shutil.which("sh")
    assert sh is not None
    rule = subprocess.run(
        [sh, UDEV / "make-rule", "shed", "/dev/ttyUSB0"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )
    assert (rule.returncode, rule.stderr.count("\n")) == (1, 1)
    assert "udevadm is not there" in rule.stderr


def test_one_without_a_serial_number_is_told_by_its_usb_socket(tmp_path: Path) -> None:
    """And the user is told what that means."""
    rule = made(tmp_path, CH340, "shed", "/dev/ttyUSB1")
    assert rule.returncode == 0
    assert "USB socket" in rule.stderr
    assert RULE.fullmatch(rule.stdout.strip())
    assert f'ENV{{ID_PATH}}=="{CH340["ID_PATH"]}"' in rule.stdout


def test_a_number_that_all_of_a_make_share_is_warned_of(tmp_path: Path) -> None:
    """A second adapter would get the same name."""
    rule = made(tmp_path, CP2102 | {"ID_SERIAL_SHORT": "0001"}, "shed", "/dev/ttyUSB0")
    assert rule.returncode == 0
    assert "second one" in rule.stderr


def test_a_port_on_the_board_is_told_by_its_name(tmp_path: Path) -> None:
    """A Raspberry Pi's UART hangs on no bus."""
    rule = made(tmp_path, {"DEVNAME": "/dev/ttyAMA0", "SUBSYSTEM": "tty"}, "shed", "/dev/serial0")
    assert rule.returncode == 0
    assert 'KERNEL=="ttyAMA0"' in rule.stdout
    assert RULE.fullmatch(rule.stdout.strip())


@pytest.mark.parametrize("serial", ['a"b', "a*", "a b", "$x", "é"])
def test_a_serial_number_that_a_rule_cannot_hold_is_left_aside(tmp_path: Path, serial: str) -> None:
    """Quotes would end the rule's own, and a star would match other adapters."""
    rule = made(tmp_path, CP2102 | {"ID_SERIAL_SHORT": serial}, "shed", "/dev/ttyUSB0")
    assert RULE.fullmatch(rule.stdout.strip())
    assert "ID_PATH" in rule.stdout
    assert serial not in rule.stdout


@pytest.mark.parametrize(
    ("properties", "arguments", "status"),
    [
        (CP2102, ("Shed!", "/dev/ttyUSB0"), 1),
        (CP2102, ("", "/dev/ttyUSB0"), 1),
        (CP2102, ("shed",), 2),
        (None, ("shed", "/dev/ttyUSB9"), 1),
        ({"DEVNAME": "/dev/sda", "SUBSYSTEM": "block"}, ("shed", "/dev/sda"), 1),
        ({"DEVNAME": "/dev/ttyUSB0", "SUBSYSTEM": "tty", "ID_BUS": "usb"}, ("shed", "/dev/ttyUSB0"), 1),
    ],
)
def test_what_cannot_become_a_rule_is_told_and_nothing_is_written(
    tmp_path: Path, properties: dict[str, str] | None, arguments: tuple[str, ...], status: int
) -> None:
    """The output goes into a file of rules, so it must be a rule or nothing."""
    rule = made(tmp_path, properties, *arguments)
    assert rule.returncode == status
    assert rule.stdout == ""
    assert rule.stderr


def test_the_examples_are_rules_and_none_is_in_force() -> None:
    """The file can be installed as it is: it takes no adapter that its user didn't name."""
    lines = (UDEV / "70-sim7020.rules").read_text().splitlines()
    assert all(line.startswith("#") for line in lines)
    examples = [line[1:] for line in lines if line.startswith("#SUBSYSTEM")]
    assert len(examples) == 3
    for example in examples:
        assert RULE.fullmatch(example), example
