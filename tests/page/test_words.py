"""The page says everything in each of its languages."""

import re

import pytest

from tests.page.words import LANGUAGES, keys_among, texts

PLURALS = (".one", ".other")
# Abbreviations, and words that German has from English or the other way round.
EVERYWHERE = {"Ping", "APN", "kB", "MB", "ID", "JSON", "RSRP", "SINR"}
GERMAN = {
    *("0, normal", "Band", "Bridge", "Broker", "Detail", "Firmware", "Info", "Modem", "Modems", "Normal", "Online"),
    *("Port", "Probe", "SIM", "Signal", "Socket", "Sockets", "Start", "Text", "Topic", "Version {version}"),
}


def whole(key: str) -> str:
    """Return a key without the form of its plural."""
    return re.sub(r"\.(zero|one|two|few|many|other)$", "", key)


def places(language: str) -> dict[str, set[str]]:
    """Return what each text has places for."""
    found: dict[str, set[str]] = {}
    for key, text in texts(language).items():
        found.setdefault(whole(key), set()).update(re.findall(r"\{(\w+)\}", text))
    return found


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_text_is_missing(language: str) -> None:
    """Each language has the texts that English has, but for those whose English words come from the bridge."""
    theirs = ("alerts.", "advice.")
    known = {key for key in places("en") if not key.startswith(theirs)}
    assert {key for key in places(language) if not key.startswith(theirs)} == known


@pytest.mark.parametrize(("language", "same"), [("de", EVERYWHERE | GERMAN), ("zh-Hans", EVERYWHERE)])
def test_no_text_was_left_in_english(language: str, same: set[str]) -> None:
    """What reads as in English is known to be right so."""
    assert {text for key, text in texts(language).items() if texts("en").get(key) == text} <= same


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_what_is_put_into_a_text_is_the_same_everywhere(language: str) -> None:
    """A number, a name or a time that English tells is told in every language, and nothing that it has not."""
    theirs, ours = places(language), places("en")
    different = {key for key in theirs.keys() & ours.keys() if theirs[key] - {"count"} != ours[key] - {"count"}}
    assert different == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_a_plural_has_its_last_form(language: str) -> None:
    """Every language uses the form for all other numbers."""
    forms = {whole(key) for key in texts(language) if key.endswith(PLURALS)}
    assert [key for key in forms if f"{key}.other" not in texts(language)] == []


@pytest.mark.parametrize("text", ["messages.title", "{count} messages", "What: shell.nav.modems"])
def test_a_key_among_words_is_found(text: str) -> None:
    """What was not translated, or not filled in, is told from what was."""
    assert keys_among(["Messages", text]) == [text]


@pytest.mark.parametrize("text", ["sim7020.example", "10.250.0.213", "iot.1nce.net", "Online"])
def test_other_words_with_dots_are_none(text: str) -> None:
    """Names and addresses are no keys."""
    assert keys_among([text]) == []
