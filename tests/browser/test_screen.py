"""What is looked for on a page is found when it is there."""

import pytest

from tests.browser.screen import keys


@pytest.mark.parametrize(
    "text",
    [
        "component.sim7020.entity.sensor.link.name",
        "sim7020.send",
        "state.online",
        "ui.panel.config.devices",
        "module_refused",
        "Add the modem {modem}?",
    ],
)
def test_a_name_for_machines_is_found(text: str) -> None:
    """A text that was not translated, or not filled in, is told from one that was."""
    assert keys(["Online", text]) == [text]


@pytest.mark.parametrize("text", ["Online", "866207050000016", "10.250.0.213", "SIMCOM_Ltd", "UDP 127.0.0.1:47525"])
def test_a_text_for_people_is_none(text: str) -> None:
    """Names, numbers and addresses are no keys."""
    assert keys([text]) == []
