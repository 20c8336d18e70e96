"""What a form on the page was filled in with, read as the configuration reads it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from sim7020_bridge.config import values
from sim7020_bridge.http.reply import Refusal


def checked(document: Mapping[str, Any], key: str, read: Callable[[object], Any]) -> Any:  # noqa: ANN401 - what is read
    """Return a value of a request as the configuration would read it.

    Raises:
        Refusal: It won't do.
    """
    try:
        return read(document.get(key))
    except values.WrongValue as error:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_value", f"{key} {error}") from error


def filled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields in which there is something; ``tls`` may be a tick."""
    found = {key: value for key, value in document.items() if value not in (None, "")}
    if isinstance(found.get("tls"), bool):
        found |= {"tls": {}} if found.pop("tls") else {}
    return found
