"""The pages that people read, taken apart: fenced blocks, the commands in them, headings and links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = tuple(
    sorted([*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *DOCS.rglob("*.md")])
)

_FENCE: Final = re.compile(
    r"^(?: *<!-- not run: (?P<reason>[^\n]+) -->\n+)?"
    r"(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_CONNECTORS: Final = {"&&", "||", "|", ";", "&"}
_REDIRECTION: Final = re.compile(r"\d?[<>]{1,2}&?\d?")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page.

    Args:
        page: The page, relative to the repository.
        line: The line of the opening fence, from 1.
        language: The info string.
        text: What stands between the fences, without its indent.
        reason: Why it is not run, as the comment before it says; empty if there is none.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        """Name it so that an editor finds it."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Take the fenced blocks out of a page."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("indent")) + 1
        inner = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        name = page.relative_to(ROOT).as_posix()
        yield Block(name, line, match["language"].strip(), inner, match["reason"] or "")


BLOCKS: Final = tuple(block for page in PAGES for block in blocks(page))


def of(*languages: str) -> list[Block]:
    """Return the blocks in these languages."""
    return [block for block in BLOCKS if block.language in languages]


def section(page: str, title: str) -> list[Block]:
    """Return the blocks below a heading of a page, up to the next heading of its level."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(title) + 1
    level = title.partition(" ")[0] + " "
    end = next((number for number, line in enumerate(lines[start:], start + 1) if line.startswith(level)), len(lines))
    return [block for block in BLOCKS if block.page == page and start < block.line < end]


BY_HAND: Final = tuple(section("docs/getting-started.md", "## 2. By hand, without a modem"))
"""What a new user types to see it work piece by piece; a test types it, too."""


def commands(block: Block) -> Iterator[list[str]]:
    """Return a shell block's or a terminal session's simple commands as words, without `sudo` and redirections."""
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "console":
        lines = [line[2:] for line in lines if line.startswith("$ ")]
    for line in lines:
        command: list[str] = []
        for word in [*_words(line), ";"]:
            if word not in _CONNECTORS:
                command.append(word)
                continue
            if command:
                yield _bare(command)
            command = []


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split = True
    return list(lexer)


def _bare(command: list[str]) -> list[str]:
    words: list[str] = []
    rest = iter(command)
    for word in rest:
        if _REDIRECTION.fullmatch(word):
            next(rest, None)
        else:
            words.append(word)
    return words[1:] if words[:1] == ["sudo"] else words


def without_blocks(page: Path) -> str:
    """Return a page's text without its fenced blocks and without code in a line."""
    return re.sub(r"`[^`\n]*`", "`", _FENCE.sub("", page.read_text(encoding="utf-8")))


def headings(page: Path) -> list[str]:
    """Return a page's headings without their marks."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found = re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE)
    return [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "") for heading in found]


def anchors(page: Path) -> tuple[set[str], set[str]]:
    """Return the anchors of a page's headings as GitHub makes them, and as the site does."""
    return {_github(heading) for heading in headings(page)}, {_site(heading) for heading in headings(page)}


def _github(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _site(heading: str) -> str:
    ascii_only = heading.encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())
