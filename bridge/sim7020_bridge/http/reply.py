"""What a request is answered with."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

JSON: Final = "application/json; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"
LINES: Final = "application/x-ndjson; charset=utf-8"
EVENTS: Final = "text/event-stream; charset=utf-8"


class Reply(NamedTuple):
    """An answer.

    Args:
        body: Bytes; or parts that are sent as they come, until there are no more. Whoever makes them is cancelled when
            the client goes away.
        content_type: What the body is.
        status: 2xx, unless it is the contract's document about a failure.
        fields: More fields of the head.
    """

    body: bytes | AsyncIterator[bytes] = b""
    content_type: str = JSON
    status: HTTPStatus = HTTPStatus.OK
    fields: Mapping[str, str] = MappingProxyType({})


def done(**fields: str) -> Reply:
    """Return the answer to what is done, with nothing more to say; an underscore in a field's name is a hyphen."""
    return Reply(status=HTTPStatus.NO_CONTENT, fields=_named(fields))


class Refusal(Exception):
    """A request that won't be carried out: ``code`` for machines, ``message`` for people."""

    def __init__(self, status: HTTPStatus, code: str, message: str, **fields: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.fields = _named(fields)
        super().__init__(message)

    @property
    def reply(self) -> Reply:
        """The same as an answer."""
        answer = in_json({"code": self.code, "message": self.message}, self.status)
        return answer._replace(fields=self.fields)


def in_json(document: object, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """Return a document as JSON."""
    return Reply(json.dumps(document, ensure_ascii=False).encode(errors="replace"), JSON, status)


def attachment(body: bytes, content_type: str, name: str) -> Reply:
    """Return a file that browsers save under a name of ASCII letters, digits, dots and hyphens."""
    return Reply(body, content_type, fields={"Content-Disposition": f'attachment; filename="{name}"'})


def named(*parts: str | datetime) -> str:
    """Return a file's name of some words and times, with nothing in it that a system might not take."""
    words = (part if isinstance(part, str) else f"{part.astimezone(UTC):%Y%m%dT%H%M%SZ}" for part in parts)
    return "-".join(re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip("-.") for word in words)


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}
