"""The README's picture of the demo shows what the demo shows now."""

import html
import re

from tests.docs.demo_picture import PICTURE, drawn
from tests.docs.pages import ROOT


def words(svg: str) -> set[str]:
    """Return the words in a picture; times, ports and counts differ, as does whether a message still waits."""
    text = html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", svg, flags=re.DOTALL))
    return set(re.findall(r"[A-Za-z]{3,}", text)) - {"wait"}


async def test_the_picture_is_current() -> None:
    """After a change of the demo, script/draw-demo draws it anew."""
    assert words(PICTURE.read_text(encoding="utf-8")) == words(await drawn())
    assert PICTURE.relative_to(ROOT).as_posix() in (ROOT / "README.md").read_text(encoding="utf-8")
