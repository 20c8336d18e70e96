"""The blueprints, and automations that are made of them or of what the documentation shows."""

import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.component.rules.tree import REPOSITORY

FOLDER = REPOSITORY / "blueprints" / "automation" / "sim7020"
BLUEPRINTS = sorted(file.stem for file in FOLDER.glob("*.yaml"))
AUTOMATION = "automation.the_one"


async def automate(hass: HomeAssistant, **config: Any) -> None:
    """Set up one automation."""
    assert await async_setup_component(
        hass, "automation", {"automation": [{"alias": "The one", "id": "one", **config}]}
    )
    await hass.async_block_till_done()
    assert hass.states.is_state(AUTOMATION, "on")


def examples() -> dict[str, str]:
    """Return every automation that the documentation shows, by the action that it is about, as it is written there."""
    page = (REPOSITORY / "docs" / "home-assistant.md").read_text()
    found = [(re.findall(r"action: (\S+)", text), text) for text in re.findall(r"```yaml\n(.+?)```", page, re.DOTALL)]
    by_action = {actions[0]: text for actions, text in found}
    assert len(by_action) == len(found), "two automations about one action"
    return by_action


def shown(action: str, **other: str) -> dict[str, Any]:
    """Return the automation with this action that the documentation shows, with other words in place of some."""
    text = examples()[action]
    for word, instead in other.items():
        text = text.replace(word, instead)
    return dict(parse_yaml(text))  # type: ignore[arg-type]  # a mapping, or this fails


async def use(hass: HomeAssistant, directory: Path, name: str, **given: Any) -> None:
    """Make an automation of a blueprint, as a user does who has imported it."""
    shutil.copytree(FOLDER, directory / "blueprints" / "automation" / "sim7020", dirs_exist_ok=True)
    hass.config.config_dir = str(directory)
    await automate(hass, use_blueprint={"path": f"sim7020/{name}.yaml", "input": given})


async def save(hass: HomeAssistant, name: str, **given: Any) -> None:
    """Have the automation ended and made anew, as when its user has written to it and saved it."""
    config: dict[str, Any] = {"alias": "The one", "id": "one", "description": "Saved."}
    config |= {"use_blueprint": {"path": f"sim7020/{name}.yaml", "input": given}}
    with patch("homeassistant.config.load_yaml_config_file", return_value={"automation": [config]}):
        await hass.services.async_call("automation", "reload", blocking=True)


async def end(hass: HomeAssistant) -> None:
    """End the automation, if there is one."""
    if hass.states.get(AUTOMATION) is not None:
        await hass.services.async_call("automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True)


async def at(hass: HomeAssistant, moment: datetime) -> None:
    """Have what is due then happen now."""
    async_fire_time_changed(hass, moment)
    await hass.async_block_till_done()


def saying(text: str) -> list[dict[str, Any]]:
    """Return actions that are heard."""
    return [{"action": "test.say", "data": {"said": text}}]
