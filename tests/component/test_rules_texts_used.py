"""A text that is shown and not there fails the test in which it is shown."""

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from tests.component.rules.tree import DOMAIN
from tests.component.texts_used import TextsUsed


def test_an_exception_without_a_text_is_found(used: TextsUsed) -> None:
    """An exception of the component needs a message, one of another integration is that one's."""
    HomeAssistantError(translation_domain="mqtt", translation_key="no_such_text")
    HomeAssistantError(translation_domain=DOMAIN, translation_key="no_such_text")
    assert used.missing == ["exceptions.no_such_text.message is not there"]
    used.missing.clear()


def test_an_exception_without_its_placeholders_is_found(used: TextsUsed) -> None:
    """A text with gaps must be given what fills them."""
    HomeAssistantError(translation_domain=DOMAIN, translation_key="request_refused")
    assert used.missing
    assert used.missing[0].startswith("exceptions.request_refused.message is given no ")
    used.missing.clear()


async def test_an_issue_without_a_text_is_found(hass: HomeAssistant, used: TextsUsed) -> None:
    """A repair issue needs a title."""
    ir.async_create_issue(
        hass, DOMAIN, "x", is_fixable=False, severity=ir.IssueSeverity.ERROR, translation_key="no_such_text"
    )
    assert used.missing == ["issues.no_such_text.title is not there"]
    used.missing.clear()


@pytest.mark.parametrize("path", ["config.step.user.title", "config.step.user.data.modem"])
@pytest.mark.usefixtures("mqtt")
async def test_a_step_without_a_text_is_found(hass: HomeAssistant, used: TextsUsed, path: str) -> None:
    """A form needs a title, and each of its fields a name."""
    del used.texts[path]
    await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert used.missing == [f"{path} is not there"]
    used.missing.clear()
