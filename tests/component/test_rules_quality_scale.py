"""quality_scale.yaml answers every rule of the Integration Quality Scale."""

from pathlib import Path

import pytest

from tests.component.rules import quality_scale
from tests.component.rules.broken import THE_COMPONENT, Break, broken, new, replaced
from tests.component.rules.tree import Tree

FILE = "quality_scale.yaml"


def no_answer(tree: Tree) -> None:
    """Break the file by leaving a rule out."""
    tree.edit(FILE, lambda document: document["rules"].pop("strict-typing"))


def test_every_rule_is_answered() -> None:
    """Nothing is missing for the tier that the manifest claims."""
    assert len(set(quality_scale.RULES)) == 54
    assert list(quality_scale.findings(THE_COMPONENT)) == []


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        pytest.param(no_answer, "no answer to strict-typing", id="missing"),
        pytest.param(replaced(FILE, "rules", "docs-jokes", by="done"), "unknown rule docs-jokes", id="unknown"),
        pytest.param(replaced(FILE, "rules", "devices", by="perhaps"), "devices is neither", id="value"),
        pytest.param(replaced(FILE, "rules", "devices", by="exempt"), "without a comment", id="exempt"),
        pytest.param(replaced(FILE, "rules", "strict-typing", by="todo"), "the tier is claimed", id="todo"),
    ],
)
def test_a_broken_file_is_found(how: Break, finding: str, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for."""
    found = new(quality_scale.findings(THE_COMPONENT), quality_scale.findings(broken(tmp_path, how)))
    assert any(finding in each for each in found), found
