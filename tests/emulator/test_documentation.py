"""The emulator's page says what the emulator does."""

import re
from pathlib import Path

from sim7020_emulator.firmware.variants import VARIANTS
from sim7020_emulator.module.facts import described
from sim7020_emulator.options import read_options

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def test_every_variant_is_documented() -> None:
    """Each switch has its row, with all values and the same words as --help."""
    for variant in VARIANTS:
        values = " · ".join(f"`{choice}`" for choice in variant.choices)
        assert f"| `{variant.name}` | {values} | {variant.meaning} |" in PAGE


def test_every_fact_is_documented() -> None:
    """Each fact has its row, with its default."""
    for name, default, meaning in described():
        shown = f"`{default}`" if default else ""
        assert f"| `{name}` | {shown} | {meaning} |" in PAGE


def test_documented_route_works() -> None:
    """The page's example of a route is one."""
    internet = read_options(["--route", "198.51.100.7=127.0.0.1"]).setup.internet
    assert internet.route("198.51.100.7", 5005) == ("127.0.0.1", 5005)


def test_who_has_which_names_what_there_is() -> None:
    """Each variant and value that somebody is said to have is one."""
    values = {variant.name: variant.choices for variant in VARIANTS}
    _, _, table = PAGE.partition("| name | value | who |\n|---|---|---|\n")
    names: list[str] = []
    for row in table.partition("\n\n")[0].splitlines():
        named, chosen = (re.findall(r"`([^`]+)`", cell) for cell in row.split("|")[1:3])
        names = named or names
        assert [value for name, value in zip(names, chosen, strict=True) if value not in values[name]] == []
