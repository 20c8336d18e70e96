"""Texts that Home Assistant is about to show: each must be there, with the placeholders that it is given."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from homeassistant.components.repairs import RepairsFlow
from homeassistant.data_entry_flow import FlowManager, FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.issue_registry import IssueRegistry

from tests.component.rules.texts import flat, placeholders
from tests.component.rules.tree import DOMAIN, REPOSITORY

ENGLISH = REPOSITORY / "custom_components" / DOMAIN / "translations" / "en.json"


class TextsUsed:
    """The texts of the component, and what was asked of them in vain."""

    def __init__(self) -> None:
        self.texts = dict(flat(json.loads(ENGLISH.read_text())))
        self.missing: list[str] = []

    def use(self, path: str, given: Mapping[str, Any] | None = None) -> None:
        """Note a text that is to be shown."""
        if path not in self.texts:
            self.missing.append(f"{path} is not there")
        elif unfilled := placeholders(self.texts[path]) - set(given or {}):
            self.missing.append(f"{path} is given no {', '.join(sorted(unfilled))}")

    def fill(self, path: str, given: Mapping[str, Any] | None) -> None:
        """Note a text that is to be shown if it is there."""
        if path in self.texts:
            self.use(path, given)

    def flow(self, kind: str, result: Mapping[str, Any]) -> None:
        """Note the texts of a step of a flow; ``kind`` is where they are, see _kind()."""
        given = result.get("description_placeholders")
        if result["type"] is FlowResultType.ABORT:
            self.use(f"{kind}.abort.{result['reason']}", given)
        elif result["type"] is FlowResultType.FORM:
            step = f"{kind}.step.{result['step_id']}"
            self.use(f"{step}.title", given)
            self.fill(f"{step}.description", given)
            schema = result.get("data_schema")
            for field in schema.schema if schema is not None else ():
                self.use(f"{step}.data.{field}", given)
            for error in (result.get("errors") or {}).values():
                self.use(f"{kind}.error.{error}", given)

    def raised(self, error: HomeAssistantError) -> None:
        """Note the text of an exception."""
        if error.translation_domain == DOMAIN:
            self.use(f"exceptions.{error.translation_key}.message", error.translation_placeholders)

    def issue(self, domain: str, *, translation_key: str, translation_placeholders: Mapping[str, str] | None) -> None:
        """Note the title of a repair issue."""
        if domain == DOMAIN:
            self.use(f"issues.{translation_key}.title", translation_placeholders)
            self.fill(f"issues.{translation_key}.description", translation_placeholders)


def _kind(flow: Any) -> str:
    """Return where a flow's texts are."""
    if isinstance(flow, RepairsFlow):
        return f"issues.{(flow.data or {})['alert']}.fix_flow"
    return "config" if flow.handler == DOMAIN else "options"


@contextmanager
def texts_used() -> Iterator[TextsUsed]:
    """Look at every flow, exception and repair issue of the component while this lasts."""
    used = TextsUsed()
    step, make = FlowManager._async_handle_step, IssueRegistry.async_get_or_create
    construct = HomeAssistantError.__init__

    async def handle_step(manager: Any, flow: Any, *args: Any, **more: Any) -> Any:
        result = await step(manager, flow, *args, **more)
        if getattr(flow, "__module__", "").startswith(f"custom_components.{DOMAIN}"):
            used.flow(_kind(flow), result)
        return result

    def get_or_create(registry: IssueRegistry, domain: str, issue_id: str, **facts: Any) -> Any:
        used.issue(
            domain,
            translation_key=facts["translation_key"],
            translation_placeholders=facts["translation_placeholders"],
        )
        return make(registry, domain, issue_id, **facts)

    def init(error: HomeAssistantError, *args: Any, **facts: Any) -> None:
        construct(error, *args, **facts)
        used.raised(error)

    with (
        patch.object(FlowManager, "_async_handle_step", handle_step),
        patch.object(IssueRegistry, "async_get_or_create", get_or_create),
        patch.object(HomeAssistantError, "__init__", init),
    ):
        yield used
