"""The page costs nothing where it is not wanted."""

import subprocess
import sys

WITHOUT = """
import asyncio, sys, tempfile
from pathlib import Path
from sim7020_bridge.config.load import load
from sim7020_bridge.service.service import Service

async def serve(http: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "bridge.yaml")
        file.write_text(
            "mqtt: {host: 127.0.0.1, port: 9}\\n"
            "modems: {shed: {port: /dev/null}}\\n"
            f"state_dir: {folder}\\nhttp: {http}\\n"
        )
        settings = load(file)
        service = Service(settings, load=lambda: settings)
        async with service._server(settings.http, {}):
            pass

asyncio.run(serve(sys.argv[1]))
of_the_page = [name for name in sys.modules if name.startswith(("sim7020_bridge.page", "microdot"))]
of_http = [name for name in sys.modules if name.startswith("sim7020_bridge.http.")]
print(len(of_the_page), sorted(of_http))
"""


def loaded(http: str) -> str:
    """Serve for a moment, and return how many modules of the page were loaded, and which there are for HTTP."""
    command = [sys.executable, "-c", WITHOUT, http]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_nothing_of_it_is_loaded_where_it_is_off() -> None:
    """Neither microdot nor the page; of what they need, only the port and the pages made by hand."""
    assert loaded("{port: 7020}").strip() == "0 ['sim7020_bridge.http.listener', 'sim7020_bridge.http.pages']"
    assert not loaded("{port: 7020, page: true}").startswith("0 ")
