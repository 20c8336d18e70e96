"""The code keeps those of hassfest's rules and of the quality scale that can be read from it."""

from pathlib import Path

import pytest

from tests.component.rules import source
from tests.component.rules.broken import THE_COMPONENT, Break, added, broken, new, removed, swapped


def test_the_code_has_no_findings() -> None:
    """Nothing is left to find in the code."""
    assert list(source.findings(THE_COMPONENT)) == []


@pytest.mark.parametrize(
    ("how", "finding"),
    [
        pytest.param(added("entity.py", "from homeassistant.components.hue import x"), "entity uses hue", id="from"),
        pytest.param(added("entity.py", "from homeassistant.components import hue"), "entity uses hue", id="package"),
        pytest.param(added("entity.py", "import homeassistant.components.hue"), "entity uses hue", id="import"),
        pytest.param(added("entity.py", "from sim7020_bridge import app"), "imports sim7020_bridge", id="bridge"),
        pytest.param(added("entity.py", "import paho.mqtt.client"), "imports paho", id="own-client"),
        pytest.param(
            added("topics.py", "if TYPE_CHECKING:\n    from .client import Client"),
            "client imports topics",
            id="circle",
        ),
        pytest.param(
            added("entity.py", "from custom_components.sim7020.const import DOMAIN"),
            "entity imports custom_components",
            id="absolute",
        ),
        pytest.param(
            swapped("sensor.py", "PARALLEL_UPDATES = 0", "PARALLEL_UPDATES = 1"), "sensor does not set", id="parallel"
        ),
        pytest.param(swapped("button.py", "PARALLEL_UPDATES = 1", ""), "button does not set", id="no-parallel"),
        pytest.param(added("__init__.py", "async def async_unload_entry_2(): ..."), None, id="harmless"),
        pytest.param(
            swapped("__init__.py", "def async_unload_entry", "def unload"), "no async_unload_entry", id="unload"
        ),
        pytest.param(
            lambda tree: (tree.component / "__init__.py").write_text("async def async_setup(hass, config): ..."),
            "without CONFIG_SCHEMA",
            id="config-schema",
        ),
        pytest.param(removed("coordinator.py"), "no coordinator.py", id="coordinator"),
        pytest.param(removed("entity.py"), "no entity.py", id="entity"),
    ],
)
def test_broken_code_is_found(how: Break, finding: str | None, tmp_path: Path) -> None:
    """Each rule finds the fault that it is there for, and nothing where there is none."""
    found = new(source.findings(THE_COMPONENT), source.findings(broken(tmp_path, how)))
    assert any(finding in each for each in found) if finding else not found


def test_a_platform_of_another_integration_may_use_it(tmp_path: Path) -> None:
    """logbook.py is loaded by the logbook, so it needs no dependency on it."""
    tree = broken(tmp_path, lambda _: None)
    (tree.component / "logbook.py").write_text("from homeassistant.components.logbook import LOGBOOK_ENTRY_NAME")
    assert list(source.findings(tree)) == []
