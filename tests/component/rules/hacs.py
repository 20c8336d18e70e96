"""What HACS and the Marketplace of Home Assistant ask of a repository."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from awesomeversion import AwesomeVersion

from tests.component.rules.tree import DOMAIN, Tree

# Those that both know; HACS refuses a file with any other, and the Marketplace does not read all of HACS's.
TYPES: dict[str, type] = {
    "content_in_root": bool,
    "filename": str,
    "hacs": str,
    "hide_default_branch": bool,
    "homeassistant": str,
    "name": str,
    "persistent_directory": str,
    "zip_release": bool,
}
MANIFEST = ("codeowners", "documentation", "domain", "issue_tracker", "name", "version")
IMAGES = {"icon.png": 256, "icon@2x.png": 512}
_PNG = b"\x89PNG\r\n\x1a\n"


def findings(tree: Tree, tested: str) -> Iterator[str]:
    """Give what HACS would find; ``tested`` is the newest version of Home Assistant that the tests run with."""
    hacs: dict[str, Any] = {}
    if (tree.root / "hacs.json").exists():
        hacs = json.loads((tree.root / "hacs.json").read_text())
    else:
        yield "no hacs.json"
    for key, value in hacs.items():
        if not isinstance(value, TYPES.get(key, type(None))):
            yield f"hacs.json: {key} is unknown or no {TYPES.get(key, type(None)).__name__}"
    if not hacs.get("name"):
        yield "hacs.json: no name"
    if AwesomeVersion(hacs.get("homeassistant", "0")) > AwesomeVersion(tested):
        yield "hacs.json: asks for a newer Home Assistant than the tests run with"
    for name in ("README.md", "LICENSE"):
        if not (tree.root / name).is_file() or not (tree.root / name).stat().st_size:
            yield f"no {name}"
    folders = [each.name for each in (tree.root / "custom_components").iterdir() if (each / "manifest.json").exists()]
    if folders != [DOMAIN]:
        yield f"not the one integration {DOMAIN}: {folders}"
    manifest = tree.json("manifest.json")
    yield from (f"manifest.json: no {key}" for key in MANIFEST if not manifest.get(key))
    yield from _brand(tree.component / "brand")


def _brand(brand: Path) -> Iterator[str]:
    for name, side in IMAGES.items():
        if _size(brand / name) != (side, side):
            yield f"brand/{name} is not a PNG of {side} by {side}"
    width, height = _size(brand / "logo.png")
    if not 128 <= min(width, height) <= 256:  # what the brands repository asks of a logo's shorter side
        yield "brand/logo.png is not a PNG whose shorter side is 128 to 256"


def _size(file: Path) -> tuple[int, int]:
    """Return width and height of a PNG, zero if it is none."""
    head = file.read_bytes()[:24] if file.exists() else b""
    if len(head) < 24 or not head.startswith(_PNG):
        return 0, 0
    width, height = struct.unpack(">II", head[16:24])
    return width, height
