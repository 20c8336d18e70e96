"""The component's own texts, in each of its languages."""

import json
from pathlib import Path
from typing import Any

TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "sim7020" / "translations"
LANGUAGES = ("en", "zh-Hans", "de")


def names(language: str) -> dict[tuple[str, str], str]:
    """Return the names of all entities in a language."""
    entities: dict[str, Any] = json.loads((TRANSLATIONS / f"{language}.json").read_text())["entity"]
    return {(domain, key): texts["name"] for domain, some in entities.items() for key, texts in some.items()}


def texts(language: str, *path: str) -> str:
    """Return a text of the component's in a language."""
    found: Any = json.loads((TRANSLATIONS / f"{language}.json").read_text())
    for key in path:
        found = found[key]
    return str(found)
