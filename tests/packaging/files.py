"""What lies beside the packages: where it is, and how it is read."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGING: Final = ROOT / "packaging"


def read_yaml(path: Path) -> Any:
    """Read a YAML file; one with a key twice or a wrong indent fails."""
    return YAML(typ="safe").load(path)


def import_file(path: Path) -> ModuleType:
    """Import a script that belongs to no package."""
    name = f"packaging_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
