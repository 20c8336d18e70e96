"""The page's files: three languages that say the same, nothing from another host, nothing that its policy forbids."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.kit.probe.advice import ADVICE, Problem
from sim7020_bridge.mqtt.refusals import Kind

ROOT = Path(__file__).resolve().parents[3]
WWW = ROOT / "bridge" / "sim7020_bridge" / "page" / "www"
VENDOR = WWW / "vendor"
LANGUAGES = ("en", "de", "zh-Hans")
PARTS = sorted(path.stem for path in (WWW / "lang" / "en").glob("*.json"))
WITH_ENGLISH = [part for part in PARTS if part not in {"alerts", "advice"}]
"""Parts whose English texts are not the bridge's own sentences."""
OWN = sorted(path for path in WWW.glob("*.*") if path.suffix in {".js", ".css", ".html", ".svg"})
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
FIRST_VIEW = 150_000
LONGEST = 450
FORBIDDEN = (
    "cssText",
    "document.write",
    "eval(",
    "innerHTML",
    "insertAdjacentHTML",
    "new Function",
    "outerHTML",
)

Texts = dict[str, Any]
FORMS = {"en": ["one", "other"], "de": ["one", "other"], "zh-Hans": ["other"]}


def texts(language: str, part: str) -> Texts:
    """Return what a file of texts has."""
    content: Texts = json.loads((WWW / "lang" / language / f"{part}.json").read_text(encoding="utf-8"))
    return content


def leaves(content: Texts, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each text with its key, in the forms that it has."""
    for name, value in content.items():
        key = f"{path}{name}"
        if isinstance(value, str):
            yield key, {"other": value}
        elif "other" in value and all(isinstance(form, str) for form in value.values()):
            yield key, {category: str(form) for category, form in value.items()}
        else:
            yield from leaves(value, f"{key}.")


def placeholders(forms: dict[str, str]) -> set[str]:
    """Return the names that a text has filled in."""
    return set(re.findall(r"\{(\w+)\}", " ".join(forms.values())))


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("part", WITH_ENGLISH)
def test_languages_say_the_same_things(part: str, language: str) -> None:
    """No text is missing in a language, and none loses what is to be filled in."""
    english = dict(leaves(texts("en", part)))
    other = dict(leaves(texts(language, part)))
    assert other.keys() == english.keys()
    for key, forms in other.items():
        assert placeholders(forms) == placeholders(english[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_each_part(language: str) -> None:
    """A view finds its texts in whatever language the page is."""
    assert sorted(path.stem for path in (WWW / "lang" / language).glob("*.json")) == PARTS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", WITH_ENGLISH)
def test_plurals_have_the_forms_of_the_language(part: str, language: str) -> None:
    """A text in several forms has those that the language has, by the names of CLDR."""
    here = dict(leaves(texts(language, part)))
    for key, forms in leaves(texts("en", part)):
        if "one" in forms:
            assert sorted(here[key]) == FORMS[language], key


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_alert_is_translated(language: str) -> None:
    """What the contract can say is wrong has a title and an advice; in English the contract's own sentences stand."""
    contract = (ROOT / "docs" / "contract" / "README.md").read_text(encoding="utf-8")
    table = contract.split("| id | what is wrong |")[1].split("\n\n")[0]
    alerts = set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:])))
    translated = texts(language, "alerts")
    assert translated.keys() == alerts
    assert all(set(entry) == {"title", "advice"} for entry in translated.values())
    assert texts("en", "alerts") == {}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_advice_of_a_probe_is_translated(language: str) -> None:
    """What a probe can find has its advice, with the same places; in English the probe's own sentences stand."""
    assert ADVICE.keys() == set(Problem)
    translated = texts(language, "advice")
    assert translated.keys() == set(Problem)
    for problem, advice in ADVICE.items():
        assert placeholders({"other": str(translated[problem])}) == placeholders({"other": advice}), problem
    assert texts("en", "advice") == {}


def test_carriers_are_those_of_the_documentation() -> None:
    """The set-up fills in what the table says, name by name."""
    table = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8").split("| carrier | APN |")[1].split("\n\n")[0]
    documented = {}
    for line in table.splitlines()[2:]:
        carrier, apn, credentials = (cell.strip() for cell in line.strip("|").split("|"))
        if carrier != "others, national operators":
            documented[carrier] = [apn.strip("`"), *(re.findall(r"`(.*?)`", credentials) or ["", ""])]
    script = (WWW / "carriers.js").read_text(encoding="utf-8").split("CARRIERS = {")[1].split("\n}")[0]
    rows = re.findall(r'^  "?(\w+)"?: (\[.*\]),$', script, re.MULTILINE)
    assert len(rows) == script.count("[")
    assert {carrier: json.loads(row) for carrier, row in rows} == documented


def test_every_reason_for_no_broker_has_words() -> None:
    """What the client says of the broker has a title and an advice."""
    assert texts("en", "modems")["broker"].keys() == {*Kind}


def test_every_text_that_is_asked_for_exists() -> None:
    """A key that a script names in full is in the texts."""
    known = {f"{part}.{key}" for part in PARTS for key, _ in leaves(texts("en", part))}
    for path in SCRIPTS:
        for key in re.findall(r"""\bt\(\s*"([\w.-]+)\"[,)]""", path.read_text(encoding="utf-8")):
            assert key in known, f"{path.name}: {key}"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_nothing_refers_to_another_host(path: Path) -> None:
    """The page works without the internet and tells nobody that it is looked at."""
    content = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"""\b(https?|wss?):|["'(=]//|url\((?!["']?data:)""", content)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(path: Path) -> None:
    """What comes from outside can only become text, and nothing asks for what the policy forbids."""
    content = path.read_text(encoding="utf-8")
    for forbidden in FORBIDDEN:
        assert forbidden not in content
    assert not re.search(r"""["'`]/(?:api|static)""", content), "an address that a path prefix breaks"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_a_file_can_be_read_in_a_sitting(path: Path) -> None:
    """None grows beyond what one reads at once."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


class Inline(HTMLParser):
    """Collects what a page has inside itself instead of in files of its own, and the addresses that it names."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        super().__init__()
        self.found: list[str] = []
        self.addresses: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element's attributes."""
        self._within = tag
        names = dict(attrs)
        self.found += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.addresses += [str(names[name]) for name in ("src", "href") if name in names]

    def handle_data(self, data: str) -> None:
        """Look at what stands inside a script."""
        if self._within in {"script", "style"} and data.strip():
            self.found.append(data)


def test_the_first_document_has_nothing_inline() -> None:
    """The content security policy allows files of the page's own and nothing else; relative, for any path prefix."""
    page = Inline()
    page.feed((WWW / "index.html").read_text(encoding="utf-8"))
    assert page.found == []
    assert page.addresses
    for address in page.addresses:
        assert address.startswith("static/")
        assert (WWW / address.removeprefix("static/")).is_file(), address


def test_scripts_import_files_that_exist() -> None:
    """A view that was renamed is noticed."""
    for path in SCRIPTS:
        for target in re.findall(r"""(?:from|import)\s*\(?["'](\./[^"'$]+)["']""", path.read_text(encoding="utf-8")):
            assert (WWW / target).is_file(), f"{path.name}: {target}"


def test_routes_lead_to_views_with_texts() -> None:
    """Each row of the routes has its script, its style and its texts."""
    for row in re.findall(r"^  \{ path.*\},$", (WWW / "routes.js").read_text(encoding="utf-8"), re.MULTILINE):
        view = re.search(r'view: "([\w-]+)"', row)
        assert view
        assert f'customElements.define("{view[1]}"' in (WWW / f"{view[1]}.js").read_text(encoding="utf-8")
        assert (WWW / f"{view[1]}.css").is_file() == ("style: true" in row)
        listed = re.search(r"texts: \[(.*?)\]", row)
        assert listed
        assert set(re.findall(r'"([\w-]+)"', listed[1])) <= set(PARTS)


def test_what_is_from_others_is_as_it_was_published() -> None:
    """Each vendored file has its source, licence and hash in the README, and that hash."""
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.]+)` .*`([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    scripts = {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}}
    assert rows.keys() == scripts
    for name, wanted in rows.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted, name


def test_the_first_view_is_small() -> None:
    """All that the glance can load, compressed, is within what was promised; nothing vendored is among it."""
    files = [path for path in OWN if path.name not in {"view-modem.js", "view-modem.css"}]
    files += [path for part in PARTS for path in [WWW / "lang" / "zh-Hans" / f"{part}.json"]]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < FIRST_VIEW
