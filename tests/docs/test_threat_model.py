"""The threat model names tests that there are, and for each attacker one at least."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
MODEL: Final = (ROOT / "THREAT_MODEL.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| (?!attacker|-)(.*) \|$", MODEL, re.MULTILINE)


def test_each_attacker_has_a_test() -> None:
    """What is said to hold is tried."""
    found = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"^(?:async )?def (test_\w+)", found, re.MULTILINE))
    assert ROWS
    for row in ROWS:
        named = re.findall(r"`(test_\w+)`", row.split(" | ")[-1])
        assert named, row
        assert [name for name in named if name not in tests] == []
