"""What the site needs beside the pages: links that leave docs/ lead to the repository."""

import posixpath
import re
from typing import Final, Protocol

REPOSITORY: Final = "https://github.com/sim7020-bridge/sim7020-bridge"
_DOCS: Final = "docs"
_LINK: Final = re.compile(r"(?P<before>\]\()(?P<target>(?![a-z]+:|#|/)[^)#\s]+)(?P<anchor>#[^)\s]*)?(?P<after>\))")
_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


class File(Protocol):
    """A page's file as mkdocs has it."""

    @property
    def src_uri(self) -> str:
        """Its path below docs/."""


class Page(Protocol):
    """A page as mkdocs has it."""

    @property
    def file(self) -> File:
        """Where it comes from."""


def lead_out(markdown: str, page: str) -> str:
    """Return a page whose links out of docs/, and those to folders, lead to the repository.

    Args:
        markdown: The page's text.
        page: Its path below docs/.
    """

    def led(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(_DOCS, posixpath.dirname(page), match["target"]))
        is_folder = "." not in posixpath.basename(path)
        if path.startswith(f"{_DOCS}/") and not is_folder:
            return match[0]
        kind = "tree" if is_folder else "blob"
        return f"{match['before']}{REPOSITORY}/{kind}/main/{path}{match['anchor'] or ''}{match['after']}"

    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(led, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(led, markdown[end:])])


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Change a page's text before it is rendered: an event of mkdocs."""
    return lead_out(markdown, page.file.src_uri)
