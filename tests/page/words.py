"""The page's words in each language, as its own files have them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

LANG: Final = Path(__file__).parents[2] / "bridge" / "sim7020_bridge" / "page" / "www" / "lang"
LANGUAGES: Final = ("en", "de", "zh-Hans")


@cache
def texts(language: str) -> dict[str, str]:
    """Return every text of a language, by its key with dots; of one with a plural, each form by its own."""
    found: dict[str, str] = {}
    for file in sorted((LANG / language).glob("*.json")):
        _gather(json.loads(file.read_text(encoding="utf-8")), file.stem, found)
    return found


def _gather(document: dict[str, Any], path: str, found: dict[str, str]) -> None:
    for key, value in document.items():
        if isinstance(value, dict):
            _gather(value, f"{path}.{key}", found)
        else:
            found[f"{path}.{key}"] = value


def words(key: str, language: str = "en", **given: object) -> str:
    """Return a text with what is given in its places; ``count`` chooses the form."""
    all_of = texts(language)
    if key not in all_of:
        key = f"{key}.one" if given.get("count") == 1 and f"{key}.one" in all_of else f"{key}.other"
    return re.sub(r"\{(\w+)\}", lambda place: str(given[place[1]]), all_of[key])


def keys_among(shown: list[str]) -> list[str]:
    """Return those of the texts that people see which are keys, or have places that nothing was put in."""
    known = {re.sub(r"\.(one|other)$", "", key) for key in texts("en")}
    found = re.compile(r"\{\w+\}|\b[a-z_]+(?:\.[a-z_]+)+\b")
    return [text for text in shown if any(match[0] == "{" or match in known for match in found.findall(text))]
