"""The bridge takes what the contract's request schemas allow, and refuses what is beyond their limits."""

import json
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from sim7020_bridge.config.model import Encoding
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.payloads import decode_payload
from tests.bridge.desk import Desk, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import on_virtual_time
from tests.contract_check import CONTRACT, problems

Fields = dict[str, Any]

VERBS = sorted(file.stem.removeprefix("request-") for file in (CONTRACT / "schemas").glob("request-*.json"))

NEEDED: dict[str, tuple[Fields, ...]] = {
    "at": ({"command": "AT+CSQ"},),
    "calibrate": ({"used": 7},),
    "outbox": ({}, {"action": "show", "id": "1"}),
    "ping": ({"host": "example.org"},),
    "resolve": ({"name": "example.org"},),
    "send": tuple({"socket": "udp"} | data for data in ({"data": "x"}, {"data_hex": "00 ff"}, {"data_base64": "AP8="})),
    "set_apn": ({"apn": "iot"},),
    "sleep": ({}, {"edrx_cycle": 10485.76, "paging_window": 2.56}, {"periodic_update": 11161, "retain_sockets": True}),
}
"""What each verb can't do without, in each way that there is; its other keys are tried one by one beside it."""

TEXTS = {
    "command": "AT+CSQ",
    "data_hex": "00 ff",
    "data_base64": "AP8=",
    "expires": "2100-01-01t00:00:00.5z",
    "socket": "udp",
}
"""What fits where not every text does."""

CODES = {"invalid_request", "invalid_json", "invalid_hex", "invalid_base64", "empty", "unknown_socket"}
"""With which a request is refused for what is in it."""


def rules(schema: str) -> dict[str, dict[str, Any]]:
    """Return what a schema says of each key."""
    found: dict[str, dict[str, Any]] = json.loads((CONTRACT / "schemas" / f"{schema}.json").read_text())["properties"]
    return found


def allowed(name: str, rule: dict[str, Any]) -> Iterator[object]:
    """Make what a key may be: its limits and what lies between them, in every way that JSON writes a number."""
    yield from rule.get("enum", ())
    kinds = rule.get("type", ())
    least = rule.get("minimum", 0)
    if "null" in kinds:
        yield None
    if "boolean" in kinds:
        yield from (True, False)
    if "integer" in kinds:
        yield from (least, rule["maximum"], float(least), float(rule["maximum"]))
    if "number" in kinds:
        yield from (0.5, 1, 2.0, rule["maximum"], *([least] if "minimum" in rule else []))
    if "string" in kinds:
        text = TEXTS.get(name, "x")
        yield text
        yield text[0] * rule["minLength"] if "minLength" in rule and name not in TEXTS else text
        yield text.ljust(rule["maxLength"], "x") if "maxLength" in rule else text
    if not rule.keys() - {"description"}:
        yield from (None, 5, 0.5, "x", [1], {"a": {}})


def forbidden(rule: dict[str, Any]) -> Iterator[object]:
    """Make what a key must not be: beyond its limits, and of another kind."""
    kinds = rule.get("type", "string" if "enum" in rule else ())
    if "integer" in kinds:
        yield from (rule["minimum"] - 1, rule["maximum"] + 1, rule["minimum"] + 0.5, "1", True, [1])
    if "number" in kinds:
        yield from (rule.get("minimum", 0) - 0.001, rule["maximum"] + 0.001, "1", True, [1])
    if "exclusiveMinimum" in rule:
        yield rule["exclusiveMinimum"]
    if "boolean" in kinds:
        yield from (0, 1, "true")
    if "enum" in rule:
        first = rule["enum"][0]
        yield from ("", "x", first.upper(), 0) if isinstance(first, str) else ("", first + 0.01, str(first), True)
    if "string" in kinds and "enum" not in rule:
        yield from (5, True, ["x"])
        if "maxLength" in rule:
            yield "x" * (rule["maxLength"] + 1)
        if rule.get("minLength") or "+$" in rule.get("pattern", ""):
            yield ""
        if "maxLength" in rule and "pattern" in rule:
            yield from ('a"b', "a\\b", "a\nb", "\u00fc")


def made(verb: str) -> tuple[list[Fields], list[Fields]]:
    """Make requests that the schema allows, and such as it forbids."""
    keys = rules(f"request-{verb}")
    tried: list[Fields] = []
    for needed in NEEDED.get(verb, ({},)):
        tried.append(needed)
        for name, rule in keys.items():
            tried += [needed | {name: value} for value in (*allowed(name, rule), *forbidden(rule))]
    good = [each for each in tried if not problems(f"request-{verb}", each)]
    bad = [each for each in tried if problems(f"request-{verb}", each)]
    assert {name for each in good for name in each} == keys.keys()
    return good, bad


async def code(desk: Desk, verb: str, fields: Fields) -> str | None:
    """Make a request, and return the code with which it is refused, if it is."""
    response = await desk.ask(verb, **fields)
    return None if response["error"] is None else str(response["error"]["code"])


def staff(verb: str) -> AbstractAsyncContextManager[Desk]:
    """Keep a modem attached that takes the verb."""
    return staffed(UDP, allow_at=("AT*",)) if verb == "at" else staffed(UDP)


@pytest.mark.parametrize("verb", VERBS)
@on_virtual_time
async def test_what_the_schema_allows_is_taken(verb: str) -> None:
    """Every limit, every word and every key for itself, however JSON writes its number."""
    async with staff(verb) as desk:
        await desk.bench.online()
        refused = {json.dumps(fields): await code(desk, verb, fields) for fields in made(verb)[0]}
    assert {fields: code for fields, code in refused.items() if code in CODES} == {}


@pytest.mark.parametrize("verb", VERBS)
@on_virtual_time
async def test_what_the_schema_forbids_is_refused(verb: str) -> None:
    """Beyond each limit, and of another kind."""
    async with staff(verb) as desk:
        await desk.bench.online()
        taken = {json.dumps(fields): await code(desk, verb, fields) for fields in made(verb)[1]}
    assert {fields: code for fields, code in taken.items() if code not in CODES} == {}


def test_envelopes() -> None:
    """A socket whose messages are envelopes takes what their schema allows."""
    for name, rule in rules("send-envelope").items():
        for value in allowed(name, rule):
            assert problems("send-envelope", {name: value}) == []
            assert decode_payload(Encoding.JSON, json.dumps({name: value, "ttl": 0.5}).encode())
        for value in forbidden(rule):
            assert problems("send-envelope", {name: value})
            with pytest.raises(PayloadRefused):
                decode_payload(Encoding.JSON, json.dumps({name: value}).encode())
