"""Writes the table of keys in docs/configuration.md from the schema: see script/configuration-keys."""

import re
from pathlib import Path

from sim7020_bridge.config.keys import root
from sim7020_bridge.config.schema import describe

PAGE = Path(__file__).resolve().parents[1] / "configuration.md"
_TABLE = re.compile(r"^\| key \|.*\n(\|.*\n)+", re.MULTILINE)


def with_keys(page: str) -> str:
    """Return the page with a table of the keys that the schema has now."""
    rows = [
        f"| `{key.path}` | {'yes' if key.required else ''} | {f'`{key.default}`' if key.default else ''} "
        f"| {key.description} |\n"
        for key in describe(root(Path()))
    ]
    table = "".join(["| key | needed | default | meaning |\n", "|---|---|---|---|\n", *rows])
    return _TABLE.sub(lambda _: table, page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_keys(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
