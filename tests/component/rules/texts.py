"""Translations and icons: every name in the code has its text in every language, and nothing else has one."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

from homeassistant.const import Platform

from tests.component.rules.tree import Document, Tree, calls

SECTIONS = {
    *("title", "config", "config_subentries", "options", "services", "entity", "exceptions", "issues", "device"),
    *("selector", "system_health", "device_automation", "entity_component", "triggers", "conditions"),
}
LANGUAGES = ("en", "de", "zh-Hans")
PLATFORMS = {platform.value for platform in Platform}
_FORBIDDEN = {
    "HTML": re.compile(r"<[a-zA-Z/!]"),
    "a reference": re.compile(r"\[%key:"),
    "an address": re.compile(r"https?://"),
    "a space at an end": re.compile(r"^\s|\s$"),
}
_ICON = re.compile(r"mdi:[a-z0-9]+(-[a-z0-9]+)*")
_KEY = re.compile(r"[a-z0-9_-]+")


def findings(tree: Tree) -> Iterator[str]:
    """Give what is wrong with the texts."""
    if (tree.component / "strings.json").exists():
        yield "strings.json is for Home Assistant's own integrations"
    english = tree.json("translations/en.json")
    yield from (f"en: unknown section {section}" for section in english if section not in SECTIONS)
    texts = dict(flat(english))
    yield from (f"en: {path} is no key" for path in texts if not all(map(_KEY.fullmatch, path.split("."))))
    for language in sorted({*LANGUAGES, *(file.stem for file in (tree.component / "translations").glob("*.json"))}):
        other = dict(flat(tree.json(f"translations/{language}.json")))
        yield from (f"{language}: {finding}" for finding in _language(other, texts))
    yield from _complete(english)
    yield from _used(tree, texts)
    yield from _icons(tree, english)


def _language(other: dict[str, str], texts: dict[str, str]) -> Iterator[str]:
    yield from (f"no {path}" for path in texts if path not in other)
    yield from (f"{path} is not in English" for path in other if path not in texts)
    for path, text in other.items():
        yield from (f"{path} has {what}" for what, form in _FORBIDDEN.items() if form.search(text))
        if placeholders(text) != placeholders(texts.get(path, text)):
            yield f"{path} has other placeholders than in English"


def flat(document: Document, above: str = "") -> Iterator[tuple[str, str]]:
    """Give each text with the path to it."""
    for key, value in document.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            yield from flat(value, path)
        else:
            yield path, str(value)


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _complete(english: Document) -> Iterator[str]:
    """Give what is half there."""
    for flow in ("config", "options"):
        for step, texts in english.get(flow, {}).get("step", {}).items():
            described = texts.get("data_description", {})
            yield from (
                f"{flow}.step.{step}: {each} has no description"
                for each in texts.get("data", {})
                if each not in described
            )
    for key, texts in english.get("exceptions", {}).items():
        if set(texts) != {"message"}:
            yield f"exceptions.{key} is not one message"
    for key, texts in english.get("issues", {}).items():
        if "title" not in texts or not {"description", "fix_flow"} & set(texts):
            yield f"issues.{key} has no title or no description"


def _used(tree: Tree, texts: dict[str, str]) -> Iterator[str]:
    """Give what the code names and has no text, and the reverse."""
    literals: set[str] = set()
    for name, module in tree.modules():
        nodes = list(ast.walk(module))
        literals |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            where = _section(name, call)
            for key in _given(call, "translation_key"):
                if not any(re.match(rf"{where}\.{key}\.", path) for path in texts):
                    yield f"{name}: {key} has no text"
        if name == "config_flow":
            yield from _flow(module, texts)
    for path in texts:
        section, *rest = path.split(".")
        named = {"exceptions": 0, "issues": 0, "entity": 1}.get(section)
        if named is not None and rest[named] not in literals:
            yield f"{path} is not used"


def _section(module: str, call: ast.Call) -> str:
    """Return where the text must be that a call names by its key."""
    if ast.unparse(call.func).endswith("async_create_issue"):
        return "issues"
    if any(keyword.arg == "translation_domain" for keyword in call.keywords):
        return "exceptions"
    return rf"entity\.{module}" if module in PLATFORMS else r"[a-z_]+(\.[a-z_]+)*"


def _flow(module: ast.Module, texts: dict[str, str]) -> Iterator[str]:
    for call in calls(module, "async_abort"):
        for key in _given(call, "reason"):
            if f"config.abort.{key}" not in texts:
                yield f"config_flow: {key} has no text"
    for call in calls(module, "async_show_form"):
        for key in _given(call, "step_id"):
            if not any(f".step.{key}." in path for path in texts):
                yield f"config_flow: the step {key} has no text"


def _given(call: ast.Call, argument: str) -> list[str]:
    """Return the value that a call gives for an argument, if it is a literal."""
    values = [keyword.value for keyword in call.keywords if keyword.arg == argument]
    return [str(value.value) for value in values if isinstance(value, ast.Constant)]


def _icons(tree: Tree, english: Document) -> Iterator[str]:
    icons = tree.json("icons.json")
    yield from (f"icons: {path} is no mdi: icon" for path, icon in flat(icons) if not _ICON.fullmatch(icon))
    for platform, entities in icons.get("entity", {}).items():
        for key, icon in entities.items():
            named = english.get("entity", {}).get(platform, {}).get(key)
            if named is None:
                yield f"icons: {platform} has no {key}"
            elif platform != "binary_sensor" and (states := named.get("state")):
                odd = set(icon.get("state", {})) - set(states)
                yield from (f"icons: {platform}.{key} has no state {each}" for each in sorted(odd))
    actions = english.get("services", {})
    yield from (f"icons: no action {name}" for name in icons.get("services", {}) if name not in actions)
