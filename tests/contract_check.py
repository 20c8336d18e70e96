"""Holds what a bridge publishes to ``docs/contract/``."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

CONTRACT = Path(__file__).parents[1] / "docs" / "contract"


@cache
def topics() -> tuple[dict[str, Any], ...]:
    """Return the rows of ``topics.json``."""
    return tuple(json.loads((CONTRACT / "topics.json").read_text())["topics"])


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator for ``schemas/<name>.json``; responses to unknown verbs have the general one."""
    file = CONTRACT / "schemas" / f"{name}.json"
    if name.startswith("response-") and not file.exists():
        file = CONTRACT / "schemas" / "response.json"
    return Draft202012Validator(json.loads(file.read_text()))


def problems(schema: str, document: object) -> list[str]:
    """Say where a document does not fit a schema."""
    return [f"{error.json_path}: {error.message}" for error in validator(schema).iter_errors(document)]


def find(topic: str, base: str, modem: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the row of ``topics.json`` that a topic belongs to, and the names in the topic.

    Raises:
        AssertionError: There is none.
    """
    for row in topics():
        pattern = re.escape(row["topic"].replace("{base}", base).replace("{modem}", modem))
        match = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern), topic)
        if match:
            return row, match.groupdict()
    raise AssertionError(f"{topic} is not a topic of the contract")


def check(topic: str, payload: bytes, *, retain: bool | None, base: str, modem: str) -> None:
    """Check a message that a bridge published.

    Args:
        topic: Where it was published.
        payload: Its bytes.
        retain: The publisher's retain flag, which an MQTT 5 subscriber sees with "retain as published";
            None if it can't be known.
        base: The bridge's base topic.
        modem: The modem's name.

    Raises:
        AssertionError: It does not fit the contract; the message says why.
    """
    row, names = find(topic, base, modem)
    if row["published_by"] != "bridge":
        raise AssertionError(f"{topic} is not for the bridge to publish to")
    if retain is not None and retain != row["retained"]:
        raise AssertionError(f"{topic} must {'' if row['retained'] else 'not '}be retained")
    if row["name"] == "availability":
        if payload not in {b"online", b"offline"}:
            raise AssertionError(f"{topic} is online or offline, not {payload!r}")
        return
    if row["schema"] is None or (row["payload"] == "json or empty" and not payload):
        return
    document = _read(topic, payload)
    wrong = problems(row["schema"].format(**names), document)
    if row["name"] == "alert" and document.get("id") != names["id"]:
        wrong.append(f"the id is not {names['id']}")
    if row["name"] == "receipt" and document.get("socket") != names["socket"]:
        wrong.append(f"the socket is not {names['socket']}")
    if wrong:
        raise AssertionError(f"{topic}: {'; '.join(wrong)}\n{payload.decode()}")


def check_keys(topic: str, payload: bytes, *, base: str, modem: str) -> None:
    """Check that a document of a bridge has all the keys that its schema lists, in that order.

    Raises:
        AssertionError: It does not, or one of the objects in it.
    """
    row, names = find(topic, base, modem)
    _compare(_read(topic, payload), validator(row["schema"].format(**names)).schema)


def _compare(document: dict[str, Any], schema: Any) -> None:
    assert list(document) == list(schema["properties"])
    assert set(schema["required"]) == set(document)
    for key, part in document.items():
        below = schema["properties"][key]
        for each in below.get("oneOf", (below,)):
            if isinstance(part, dict) and "properties" in each:
                _compare(part, each)


def _read(topic: str, payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload)
    except ValueError as error:
        raise AssertionError(f"{topic} is not JSON: {payload[:200]!r}") from error
    match document:
        case dict():
            return document
    raise AssertionError(f"{topic} is not a JSON object: {payload[:200]!r}")
