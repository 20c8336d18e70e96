"""Draws the README's picture of the demo: the last that a terminal shows of ``demo --once``, as SVG."""

import asyncio
import io
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from sim7020_bridge.demo.broker import mosquitto
from sim7020_bridge.demo.demo import play
from sim7020_bridge.demo.stage import Stage
from sim7020_bridge.demo.view import View, picture
from sim7020_bridge.kit.watch.heard import Modems

PICTURE: Final = Path(__file__).parents[2] / "docs" / "images" / "demo.svg"
SIZE: Final = (100, 24)
_FONT_FROM_ELSEWHERE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class _Kept(View):
    """A terminal that nobody looks at, and what it is about."""

    about: tuple[Stage, Modems]

    async def animate(self, stage: Stage, modems: Modems) -> None:
        """Keep drawing until cancelled."""
        self.about = stage, modems
        await super().animate(stage, modems)


async def drawn() -> str:
    """Play the demo, and return the picture."""
    width, height = SIZE
    view = _Kept(Console(file=io.StringIO(), force_terminal=True, width=width, height=height))
    await play(view, once=True, broker=mosquitto())
    paper = Console(file=io.StringIO(), record=True, force_terminal=True, width=width, highlight=False)
    paper.print(picture(*view.about, width, height))
    svg = paper.export_svg(title="script/demo", theme=DIMMED_MONOKAI, unique_id="demo")
    return _FONT_FROM_ELSEWHERE.sub("", svg)


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else PICTURE).write_text(asyncio.run(drawn()), encoding="utf-8")
