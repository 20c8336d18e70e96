"""Home Assistant's own complaints about an integration fail the test in which they are made."""

import pytest
from homeassistant import loader
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame

from tests.component.conftest import complaints


async def test_a_complaint_about_the_component_is_found(hass: HomeAssistant, caplog: pytest.LogCaptureFixture) -> None:
    """What Home Assistant says of deprecated use by this integration counts, what it says of another does not."""
    for domain in ("demo", "sim7020"):
        await loader.async_get_integration(hass, domain)
        frame.report_usage(
            "uses something deprecated", core_integration_behavior=frame.ReportBehavior.LOG, integration_domain=domain
        )
    found = complaints(caplog)
    caplog.clear()
    assert len(found) == 1
    assert "sim7020" in found[0]
