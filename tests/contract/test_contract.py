"""The contract folder is whole: every topic has an example, every example fits, every schema is sound."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.topics import Topics
from tests.contract_check import CONTRACT, check, find, problems, topics

EXAMPLES = sorted((CONTRACT / "examples").glob("*.json"), key=lambda file: file.name)
SCHEMAS = sorted((CONTRACT / "schemas").glob("*.json"), key=lambda file: file.name)


def payload_of(example: dict[str, Any]) -> bytes:
    """Return the bytes of an example's message."""
    if "text" in example:
        return str(example["text"]).encode()
    if "hex" in example:
        return bytes.fromhex(example["hex"])
    return json.dumps(example["payload"]).encode()


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_schema_is_sound(file: Path) -> None:
    """Each schema is valid JSON Schema 2020-12 and says so."""
    schema = json.loads(file.read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_example_fits_the_contract(file: Path) -> None:
    """Each example is on a topic of the contract, retained as that says, and fits the schema."""
    example = json.loads(file.read_text())
    row, names = find(example["topic"], "sim7020", "shed")
    payload = payload_of(example)
    if row["published_by"] == "bridge":
        check(example["topic"], payload, retain=example["retained"], base="sim7020", modem="shed")
    else:
        assert example["retained"] == row["retained"]
        if row["name"] == "request" and payload:
            assert problems(row["schema"].format(**names), json.loads(payload)) == []
    if "schema" in example:
        assert problems(example["schema"], json.loads(payload)) == []


def test_every_topic_has_an_example() -> None:
    """No topic is without an example."""
    shown = {find(json.loads(file.read_text())["topic"], "sim7020", "shed")[0]["name"] for file in EXAMPLES}
    assert shown == {row["name"] for row in topics()}


def test_every_receipt_state_and_request_has_an_example() -> None:
    """Readers find each state of a receipt and each verb among the examples."""
    read = [json.loads(file.read_text()) for file in EXAMPLES]
    states = {example["payload"]["state"] for example in read if example["topic"].endswith("/receipt")}
    assert states == set(ReceiptState)
    verbs = next(example["payload"]["requests"] for example in read if example["topic"].endswith("/info"))
    for verb in verbs:
        for kind in ("request", "response"):
            assert any(example["topic"].endswith(f"/{kind}/{verb}") for example in read)
            assert (CONTRACT / "schemas" / f"{kind}-{verb}.json").exists()


def test_every_file_and_topic_is_in_the_readme() -> None:
    """People are told of each topic, alert, state and verb."""
    text = (CONTRACT / "README.md").read_text()
    for row in topics():
        assert row["topic"].replace("{base}/{modem}/", "…/").replace("{", "<").replace("}", ">") in text
    for word in (*AlertId, *ReceiptState, *Layer, *Phase, *RecoveryStep):
        assert f"`{word}`" in text


def test_names_are_the_ones_that_the_bridge_uses() -> None:
    """Topics are built as the contract writes them."""
    ours = Topics("b", "m")
    built = {
        "availability": ours.availability,
        "info": ours.info,
        "state": ours.state,
        "alert": ours.alert("{id}"),
        "event": ours.event,
        "socket_state": ours.socket_state("{socket}"),
        "send": ours.send("{socket}"),
        "received": ours.received("{socket}"),
        "receipt": ours.receipt("{socket}"),
        "request": ours.request("{verb}"),
        "response": ours.response("{verb}"),
        "component": ours.component,
        "announce": ours.announce,
        "pool_send": ours.pool_send("{pool}"),
        "pool_receipt": ours.pool_receipt("{pool}"),
    }
    assert built == {row["name"]: row["topic"].format_map(Placeholders(base="b", modem="m")) for row in topics()}


class Placeholders(dict[str, str]):
    """Leaves unknown placeholders as they are."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


@pytest.mark.parametrize(
    ("topic", "payload", "retain", "problem"),
    [
        ("other/shed/state", b"{}", True, "not a topic"),
        ("sim7020/attic/state", b"{}", True, "not a topic"),
        ("sim7020/shed/socket/t/send", b"x", False, "not for the bridge"),
        ("sim7020/shed/event", b'{"type":"lost","at":"2026-11-23T10:15:00Z"}', True, "must not be retained"),
        ("sim7020/shed/availability", b"online", False, "must be retained"),
        ("sim7020/shed/availability", b"away", True, "online or offline"),
        ("sim7020/shed/event", b"[]", False, "not a JSON object"),
        ("sim7020/shed/event", b"\xff", False, "not JSON"),
        ("sim7020/shed/event", b'{"type":"lost","at":"today"}', False, "does not match"),
        ("sim7020/shed/event", b'{"type":"lost"}', None, "required"),
        (
            "sim7020/shed/alert/sim_pin",
            b'{"id":"sim_missing","message":"m","advice":"a","since":"2026-11-23T10:15:00Z"}',
            True,
            "the id is not sim_pin",
        ),
        (
            "sim7020/shed/socket/other/receipt",
            b'{"id":"1","socket":"t","state":"queued","final":true,"at":"2026-11-23T10:15:00Z","bytes":1,"attempts":0}',
            False,
            "(?s)error.*final.*the socket is not other",
        ),
        (
            "sim7020/shed/event",
            b'{"type":"recovering","at":"2026-11-23T10:15:00Z","rung":"luck"}',
            False,
            "luck.*layer",
        ),
        (
            "sim7020/shed/response/send",
            b'{"status":"ok","data":null,"error":null,"transaction":null}',
            False,
            "data",
        ),
    ],
)
def test_check_refuses_what_does_not_fit(topic: str, payload: bytes, problem: str, *, retain: bool | None) -> None:
    """The check that end-to-end tests rely on does notice."""
    with pytest.raises(AssertionError, match=problem):
        check(topic, payload, retain=retain, base="sim7020", modem="shed")
