"""What lies beside the packages: where it is, and how it is read."""

from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGING: Final = ROOT / "packaging"


def read_yaml(path: Path) -> Any:
    """Read a YAML file; one with a key twice or a wrong indent fails."""
    return YAML(typ="safe").load(path)
