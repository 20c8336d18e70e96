"""The repository keeps what HACS and the Marketplace ask of one."""

import json
import re
from pathlib import Path

import pytest
from homeassistant.const import __version__

from tests.component.rules import hacs
from tests.component.rules.broken import THE_COMPONENT, Break, broken, new, without
from tests.component.rules.tree import REPOSITORY, Tree

NEWEST = "2026.10.4"
LOCK = REPOSITORY / "requirements" / "component-min.txt"


def hacs_json(**changes: object) -> Break:
    """Break hacs.json by these values."""

    def change(tree: Tree) -> None:
        file = tree.root / "hacs.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def test_the_repository_has_no_findings() -> None:
    """Nothing is left for HACS to find."""
    assert list(hacs.findings(THE_COMPONENT, NEWEST)) == []


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        pytest.param(lambda tree: (tree.root / "hacs.json").unlink(), "no hacs.json", id="no-file"),
        pytest.param(hacs_json(iot_class="local_push"), "iot_class is unknown", id="unknown"),
        pytest.param(hacs_json(hide_default_branch="yes"), "is unknown or no bool", id="type"),
        pytest.param(hacs_json(name=""), "hacs.json: no name", id="name"),
        pytest.param(hacs_json(homeassistant="2027.1.0"), "newer Home Assistant", id="too-new"),
        pytest.param(lambda tree: (tree.root / "README.md").write_text(""), "no README.md", id="readme"),
        pytest.param(lambda tree: (tree.root / "LICENSE").unlink(), "no LICENSE", id="license"),
        pytest.param(
            lambda tree: tree.component.rename(tree.component.with_name("modem")),
            "not the one integration",
            id="domain",
        ),
        pytest.param(without("manifest.json", "codeowners"), "no codeowners", id="manifest"),
        pytest.param(lambda tree: (tree.component / "brand/icon.png").unlink(), "brand/icon.png", id="no-icon"),
        pytest.param(
            lambda tree: (tree.component / "brand/icon@2x.png").write_bytes(b"GIF89a"), "brand/icon@2x.png", id="gif"
        ),
        pytest.param(lambda tree: (tree.component / "brand/logo.png").unlink(), "brand/logo.png", id="no-logo"),
    ],
)
def test_a_broken_repository_is_found(how: Break, finding: str, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for."""
    found = new(hacs.findings(THE_COMPONENT, NEWEST), hacs.findings(broken(tmp_path, how), NEWEST))
    assert any(finding in each for each in found), found


def test_the_oldest_version_allowed_is_the_one_tested() -> None:
    """What hacs.json allows is what script/test-component --minimum runs with."""
    allowed = json.loads((REPOSITORY / "hacs.json").read_text())["homeassistant"]
    assert re.search(r"^homeassistant==(\S+)", LOCK.read_text(), re.MULTILINE)[1] == allowed  # type: ignore[index]
    assert __version__ in {allowed, NEWEST}
