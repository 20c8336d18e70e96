"""The page on Home Assistant names everything that the component offers."""

import re

from homeassistant.util.yaml import parse_yaml

from custom_components.sim7020.actions import ACTIONS
from custom_components.sim7020.condition import CONDITIONS
from custom_components.sim7020.trigger import TRIGGERS
from tests.component.rules.tree import REPOSITORY

PAGE = (REPOSITORY / "docs" / "home-assistant.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the table below a heading."""
    below = PAGE.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    rows = [line.strip("|").split("|") for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_action_is_documented_with_its_fields() -> None:
    """And no other is."""
    documented: dict[str, set[str]] = {}
    action = ""
    for name, fields, *_ in table("### Actions"):
        action = name.strip("`").removeprefix("sim7020.") if name.startswith("`") else action
        documented.setdefault(action, set()).update(re.findall(r"`(\w+)`", fields))
    assert documented == {name: {str(field) for field in action.fields} for name, action in ACTIONS.items()}


def test_every_trigger_is_documented_with_its_fields() -> None:
    """And no other is."""
    documented = {name.strip("`").removeprefix("sim7020."): when for name, _, when, _ in table("### Triggers")}
    assert set(documented) == set(TRIGGERS)
    described = parse_yaml((REPOSITORY / "custom_components" / "sim7020" / "triggers.yaml").read_text())
    assert isinstance(described, dict)
    for name, when in documented.items():
        assert set(re.findall(r"`(\w+)` it is to be", when)) == set(described[name].get("fields", {}))


def test_every_condition_is_documented() -> None:
    """And no other is."""
    assert {name.strip("`").removeprefix("sim7020.") for name, _ in table("### Conditions")} == set(CONDITIONS)


def test_every_blueprint_is_documented() -> None:
    """And no other is."""
    there = {file.name for file in (REPOSITORY / "blueprints" / "automation" / "sim7020").iterdir()}
    assert set(re.findall(r"\(\.\./blueprints/automation/sim7020/([\w.]+)\)", PAGE)) == there


def test_the_chapters_of_the_quality_scale_are_there() -> None:
    """Those that quality_scale.yaml says are done."""
    headings = set(re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE))
    assert headings >= {
        *("What it is good for", "Supported devices", "What you need", "Install", "Set up", "What you get", "Actions"),
        *("How the data gets here", "Examples", "Known limits", "Troubleshooting", "Remove"),
    }
