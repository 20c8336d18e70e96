"""Links, anchors and pictures lead somewhere, on GitHub and on the site."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors, headings, without_blocks
from tests.packaging.files import import_file, read_yaml

LINK: Final = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
PICTURE: Final = re.compile(r"""(?:src|srcset)="(?!\w+:)([^"]+)\"""")
SITE: Final = read_yaml(ROOT / "mkdocs.yml")
lead_out: Final = import_file(DOCS / "site" / "links.py").lead_out


def name(page: Path) -> str:
    """Name a page in a report."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    """A link has a file at its end, and its anchor a heading: with GitHub's name for it and with the site's."""
    for path, anchor in LINK.findall(without_blocks(page)):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert target.is_relative_to(ROOT), path
        if anchor and anchor not in {"only-light", "only-dark"}:
            on_github, on_site = anchors(target)
            assert anchor in on_github, f"{path}#{anchor}"
            assert anchor in on_site, f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pictures_are_there(page: Path) -> None:
    """Nothing is shown that isn't in the tree."""
    for path in PICTURE.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / path).is_file(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_headings_are_told_apart(page: Path) -> None:
    """No heading stands twice on a page: its anchor would lead to the first."""
    assert [heading for heading, times in Counter(headings(page)).items() if times > 1] == []


def menu(entries: object) -> list[str]:
    """Return the pages of the site's menu."""
    match entries:
        case str():
            return [entries]
        case list():
            return [page for entry in entries for page in menu(entry)]
        case dict():
            return [page for entry in entries.values() for page in menu(entry)]
    raise TypeError(f"{entries!r} is no part of a menu")


def test_every_page_is_in_the_menu_once() -> None:
    """A page that nobody finds is none; single decisions are found by their index."""
    pages = Counter(menu(SITE["nav"]))
    decisions = {path.relative_to(DOCS).as_posix() for path in (DOCS / "decisions").glob("0*.md")}
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(pages) == there - decisions
    assert set(pages.values()) == {1}


def test_every_decision_is_in_the_index() -> None:
    """Under its own title."""
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in sorted((DOCS / "decisions").glob("0*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({path.name})\n" in index


def test_the_site_fetches_nothing_from_others() -> None:
    """No font, script, style or number of stars is from another host, and every warning stops the build."""
    source = DOCS / "site" / "theme" / "partials" / "source.html"  # in the theme's place, which asks GitHub
    assert SITE["theme"]["custom_dir"] == source.parents[1].relative_to(ROOT).as_posix()
    assert "data-md-component" not in source.read_text(encoding="utf-8")
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]
    assert not {"extra_javascript", "extra_css", "extra"} & set(SITE)
    assert SITE["strict"] is True
    assert {rule for rules in SITE["validation"].values() for rule in rules.values()} == {"warn"}


@pytest.mark.parametrize(
    ("link", "page", "led"),
    [
        ("[a](../CONTRIBUTING.md)", "index.md", "[a](R/blob/main/CONTRIBUTING.md)"),
        ("[a](../CONTRIBUTING.md#style)", "index.md", "[a](R/blob/main/CONTRIBUTING.md#style)"),
        ("[a](../tests/transcripts)", "x.md", "[a](R/tree/main/tests/transcripts)"),
        ("[a](schemas)", "contract/README.md", "[a](R/tree/main/docs/contract/schemas)"),
        ("[a](../../packaging/x.yaml)", "contract/README.md", "[a](R/blob/main/packaging/x.yaml)"),
        ("[a](modem.md#pin)", "index.md", "[a](modem.md#pin)"),
        ("[a](schemas/info.json)", "contract/README.md", "[a](schemas/info.json)"),
        ("[a](https://example.net/x)", "index.md", "[a](https://example.net/x)"),
        ("[a](#here)", "index.md", "[a](#here)"),
        ("```\n[a](../x.md)\n```", "index.md", "```\n[a](../x.md)\n```"),
    ],
)
def test_links_out_of_the_pages_lead_to_the_repository(link: str, page: str, led: str) -> None:
    """The site has the pages only; what else a page names is looked at in the repository."""
    repository = "https://github.com/sim7020-bridge/sim7020-bridge"
    assert lead_out(link, page) == led.replace("(R/", f"({repository}/")
