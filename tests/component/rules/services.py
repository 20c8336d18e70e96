"""Actions: what is registered, described, translated and drawn is the same."""

from collections.abc import Iterable, Iterator
from typing import Any

import probatio
from homeassistant.helpers import selector
from homeassistant.helpers.service import _SERVICES_SCHEMA

from tests.component.rules.tree import Tree


def findings(tree: Tree, registered: Iterable[str]) -> Iterator[str]:
    """Give what is wrong with the actions; ``registered`` are those that the component offers to Home Assistant."""
    described = tree.yaml("services.yaml")
    texts = tree.json("translations/en.json").get("services", {})
    icons = tree.json("icons.json").get("services", {})
    try:
        _SERVICES_SCHEMA(described)
    except probatio.Invalid as error:
        yield f"services.yaml: {error}"
    registered = set(registered)
    for where, names in (("services.yaml", described), ("en.json", texts), ("icons.json", icons)):
        yield from (f"{where}: no {name}" for name in sorted(registered - set(names)))
        yield from (f"{where}: {name} is not registered" for name in sorted(set(names) - registered))
    for name, action in described.items():
        yield from _texts(name, action or {}, texts.get(name, {}))


def _texts(name: str, action: dict[str, Any], texts: dict[str, Any]) -> Iterator[str]:
    if not texts.get("name") or not texts.get("description"):
        yield f"{name} has no name or no description"
    named = texts.get("fields", {})
    fields = dict(_fields(action))
    for field, facts in fields.items():
        if not named.get(field, {}).get("name") or not named.get(field, {}).get("description"):
            yield f"{name}.{field} has no name or no description"
        try:
            selector.validate_selector(facts.get("selector"))
        except probatio.Invalid as error:
            yield f"{name}.{field}: {error}"
    yield from (f"{name}.{field} is no field of it" for field in named if field not in fields)
    sections = {key for key, facts in action.get("fields", {}).items() if "fields" in facts}
    for section in sorted(sections ^ set(texts.get("sections", {}))):
        yield f"{name}: the section {section} is not both described and translated"


def _fields(action: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, facts in action.get("fields", {}).items():
        if "fields" in facts:
            yield from facts["fields"].items()
        else:
            yield key, facts
