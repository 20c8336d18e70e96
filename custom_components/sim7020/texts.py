"""Texts as a form, a template or YAML gives them, which may have made something else of what was written."""

import probatio
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .const import DOMAIN


def wrong(key: str, **placeholders: str) -> ServiceValidationError:
    """Return what to raise for a mistake in what was given, in translated words."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders or None
    )


def text(value: object) -> str:
    """Take a text, or a number, which is what a template gives for digits.

    Raises:
        ServiceValidationError: It is a truth value, which is not what was written.
    """
    if isinstance(value, bool):
        raise wrong("truth_value", value=str(value))
    return str(cv.string(value))


def whole(value: object) -> int:
    """Take a whole number, or a text that is one.

    Raises:
        ServiceValidationError: It has a fraction, which is not to be cut off without a word, or is not finite.
        probatio.Invalid: It is no number.
    """
    if isinstance(value, float) and not value.is_integer():
        raise wrong("no_whole_number", value=str(value))
    return int(probatio.Coerce(int)(value))


def written(value: object) -> str:
    """Take a text of a configuration, where no template can stand.

    Raises:
        probatio.Invalid: It is a truth value, or a number: YAML reads 0123 as 83, and 12:30 as 750. Not every reader
            of a trigger's configuration expects anything else.
    """
    if isinstance(value, bool):
        raise probatio.Invalid(str(wrong("truth_value", value=str(value))))
    if isinstance(value, int | float):
        raise probatio.Invalid(str(wrong("number", value=str(value))))
    return str(cv.string(value))
