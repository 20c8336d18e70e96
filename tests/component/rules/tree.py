"""The component as files: what the rules read, and what their own tests break."""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeassistant.util.yaml import load_yaml_dict

DOMAIN = "sim7020"
REPOSITORY = Path(__file__).parents[3]

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """A repository with the component in it."""

    root: Path

    @property
    def component(self) -> Path:
        """The component's directory."""
        return self.root / "custom_components" / DOMAIN

    def json(self, name: str) -> Document:
        """Return one of the component's JSON documents, empty if there is none."""
        file = self.component / name
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def yaml(self, name: str) -> Document:
        """Return one of the component's YAML documents, empty if there is none."""
        file = self.component / name
        return dict(load_yaml_dict(file)) if file.exists() else {}

    def modules(self) -> Iterator[tuple[str, ast.Module]]:
        """Give each of the component's modules, by name."""
        for file in sorted(self.component.rglob("*.py")):
            yield file.relative_to(self.component).with_suffix("").as_posix(), ast.parse(file.read_text())

    def edit(self, name: str, change: Callable[[Document], object]) -> None:
        """Change one of the component's JSON or YAML documents in place."""
        file = self.component / name
        document = self.json(name) if name.endswith(".json") else self.yaml(name)
        change(document)
        file.write_text(json.dumps(document, ensure_ascii=False))  # which is YAML too

    def append(self, name: str, code: str) -> None:
        """Add lines to one of the component's modules, or make it."""
        with (self.component / name).open("a") as file:
            file.write(f"\n{code}\n")


def calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """Give each call of a function or a method of this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
            if called == name:
                yield node


def functions(tree: ast.AST) -> set[str]:
    """Return the names of all functions and methods."""
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
