"""manifest.json keeps hassfest's rules, and Home Assistant's loader takes it."""

from pathlib import Path

import pytest
from homeassistant import loader
from homeassistant.core import HomeAssistant

from tests.component.rules import manifest
from tests.component.rules.broken import THE_COMPONENT, Break, broken, new, removed, replaced, swapped, without
from tests.component.rules.tree import DOMAIN

FILE = "manifest.json"


def test_the_manifest_has_no_findings() -> None:
    """Nothing is left for hassfest to find in the manifest."""
    assert list(manifest.findings(THE_COMPONENT)) == []


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        pytest.param(replaced(FILE, "zzz", by=1), "unknown key zzz", id="unknown-key"),
        pytest.param(replaced(FILE, "after_dependencies", by=[]), "keys are not in order", id="order"),
        pytest.param(replaced(FILE, "domain", by="sim7000"), "is not the directory's name", id="other-domain"),
        pytest.param(replaced(FILE, "domain", by="mqtt"), "is one of Home Assistant's own", id="taken-domain"),
        pytest.param(without(FILE, "name"), "no name", id="name"),
        pytest.param(replaced(FILE, "integration_type", by="modem"), "no known integration_type", id="type"),
        pytest.param(replaced(FILE, "iot_class", by="radio"), "no known iot_class", id="class"),
        pytest.param(replaced(FILE, "quality_scale", by="diamond"), "no known quality_scale", id="scale"),
        pytest.param(without(FILE, "version"), "no version", id="no-version"),
        pytest.param(replaced(FILE, "version", by="first"), "no version", id="odd-version"),
        pytest.param(replaced(FILE, "documentation", by="http://a.example/b"), "not a https address", id="http"),
        pytest.param(
            replaced(FILE, "documentation", by="https://www.home-assistant.io/integrations/sim7020"),
            "a page of Home Assistant's own",
            id="core-page",
        ),
        pytest.param(without(FILE, "issue_tracker"), "issue_tracker is not", id="tracker"),
        pytest.param(replaced(FILE, "codeowners", by=[]), "codeowners", id="nobody"),
        pytest.param(replaced(FILE, "codeowners", by=["somebody"]), "codeowners", id="no-at"),
        pytest.param(replaced(FILE, "requirements", by=["paho-mqtt>=2"]), "not pinned", id="unpinned"),
        pytest.param(removed("config_flow.py"), "config_flow without config_flow.py", id="no-flow"),
        pytest.param(without(FILE, "config_flow"), "config_flow.py without config_flow", id="hidden-flow"),
        pytest.param(replaced(FILE, "dependencies", by=[]), "without the mqtt dependency", id="no-mqtt"),
        pytest.param(replaced(FILE, "dependencies", by=["mqtt", "sim7021"]), "does not exist", id="no-such-dependency"),
        pytest.param(
            swapped("config_flow.py", "async_set_unique_id", "set_unique_id"),
            "without async_set_unique_id",
            id="unique",
        ),
    ],
)
def test_a_broken_manifest_is_found(how: Break, finding: str, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for."""
    found = new(manifest.findings(THE_COMPONENT), manifest.findings(broken(tmp_path, how)))
    assert any(finding in each for each in found), found


async def test_the_loader_takes_it(hass: HomeAssistant) -> None:
    """Home Assistant itself reads the manifest as it is meant."""
    integration = await loader.async_get_integration(hass, DOMAIN)
    assert not integration.is_built_in
    assert integration.dependencies == ["mqtt"]
    assert integration.iot_class == "local_push"
    assert integration.config_flow
