"""Copies of the component to break: a rule that finds nothing in any of them checks nothing."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.component.rules.tree import DOMAIN, REPOSITORY, Tree

THE_COMPONENT = Tree(REPOSITORY)

type Break = Callable[[Tree], object]


def broken(directory: Path, how: Break) -> Tree:
    """Return a copy of the component and of the files beside it that are read with it, broken in one way."""
    copy = Tree(directory)
    shutil.copytree(THE_COMPONENT.component, copy.component, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("hacs.json", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, directory / name)
    how(copy)
    return copy


def new(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Return the findings that the break has brought."""
    known = set(before)
    return [finding for finding in after if finding not in known]


def without(file: str, key: str) -> Break:
    """Break a document by taking a key away."""
    return lambda tree: tree.edit(file, lambda document: document.pop(key))


def replaced(file: str, *path: str, by: object) -> Break:
    """Break a document by another value at a path in it."""

    def change(tree: Tree) -> None:
        def at(document: dict[str, object]) -> None:
            *above, last = path
            inner = document
            for key in above:
                found = inner.setdefault(key, {})
                if not isinstance(found, dict):
                    raise TypeError(f"{file}: {key} holds nothing else")
                inner = found
            inner[last] = by

        tree.edit(file, at)

    return change


def removed(file: str) -> Break:
    """Break the component by taking a file of it away."""
    return lambda tree: (tree.component / file).unlink()


def added(file: str, code: str) -> Break:
    """Break a module by more code, or the component by a module more."""
    return lambda tree: tree.append(file, code)


def swapped(file: str, old: str, new: str) -> Break:
    """Break a module by other code in place of some."""

    def change(tree: Tree) -> None:
        path = tree.component / file
        code = path.read_text()
        if old not in code:
            raise ValueError(f"{file} does not contain {old}")
        path.write_text(code.replace(old, new))

    return change


__all__ = ["DOMAIN", "THE_COMPONENT", "added", "broken", "new", "removed", "replaced", "swapped", "without"]
