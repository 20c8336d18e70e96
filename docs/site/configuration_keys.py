"""Writes the tables of keys in docs/configuration.md and docs/far-end.md: see script/configuration-keys."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sim7020_bridge.config.keys import root
from sim7020_bridge.config.schema import Named, Section
from sim7020_far_end import configuration

PAGE = Path(__file__).resolve().parents[1] / "configuration.md"
FAR_END = PAGE.with_name("far-end.md")
_TABLE = re.compile(r"^\| key \|.*\n(\|.*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """A key as the documentation shows it; ``path`` has ``<modem>`` and ``<socket>`` where the user's names go."""

    path: str
    required: bool
    default: str
    description: str


def describe(section: Section, prefix: str = "") -> Iterator[KeyDescription]:
    """Tell every key in the order in which the documentation shows them."""
    for key in section.keys:
        path = f"{prefix}{key.name}"
        yield KeyDescription(path, key.required, _shown(section.default(key)), key.description)
        if isinstance(key.read, Section):
            yield from describe(key.read, f"{path}.")
        elif isinstance(key.read, Named):
            yield from describe(key.read.section, f"{path}.<{key.read.noun}>.")


def with_keys(page: str) -> str:
    """Return the page with a table of the keys that the schema has now."""
    return _with(page, describe(root(Path())))


def with_far_end_keys(page: str) -> str:
    """Return the far end's page in the same way, without the keys that are as the bridge's."""
    keys = describe(configuration.root(Path()))
    return _with(page, (key for key in keys if not key.path.startswith(("mqtt.", "logging."))))


def _with(page: str, keys: Iterable[KeyDescription]) -> str:
    rows = [
        f"| `{key.path}` | {'yes' if key.required else ''} | {f'`{key.default}`' if key.default else ''} "
        f"| {key.description} |\n"
        for key in keys
    ]
    table = "".join(["| key | needed | default | meaning |\n", "|---|---|---|---|\n", *rows])
    return _TABLE.sub(lambda _: table, page, count=1)


def _shown(default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case str() | int():
            return str(default)
    return ""


if __name__ == "__main__":
    PAGE.write_text(with_keys(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    FAR_END.write_text(with_far_end_keys(FAR_END.read_text(encoding="utf-8")), encoding="utf-8")
