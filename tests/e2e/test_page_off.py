"""The page costs nothing where it is not wanted."""

import asyncio
import json
import re
import sys
from pathlib import Path

from tests.ports import free_port
from tests.web import get

_IMPORTED = re.compile(r"^import time:.*\| +(\S+)$", re.MULTILINE)


_ADMINISTRATION = {f"sim7020_bridge.{name}" for name in ("page.ports", "kit.probe.finding", "config.writing")}
"""Some of what is loaded for whoever administers the bridge."""


async def imported(directory: Path, *, page: bool, asked: tuple[str, ...] = ()) -> set[str]:
    """Run a bridge until it answers at its HTTP port, and return the modules that it has loaded.

    Args:
        directory: Where it may write.
        page: Whether it has the page.
        asked: Paths that are asked for, once it answers and all at the same time.
    """
    port = free_port()
    tree = {
        "mqtt": {"host": "127.0.0.1", "port": free_port()},
        "modems": {"shed": {"port": f"socket://127.0.0.1:{free_port()}"}},
        "state_dir": str(directory / "state"),
        "http": {"port": port, "page": page},
    }
    file = directory / "bridge.yaml"
    file.write_text(json.dumps(tree), encoding="utf-8")
    command = (sys.executable, "-X", "importtime", "-m", "sim7020_bridge", "run", "--config", str(file))
    bridge = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        told = asyncio.create_task(bridge.communicate())
        async with asyncio.timeout(60):
            while True:
                try:
                    assert (await get(port, "/metrics")).status == 200
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
                else:
                    break
            answers = await asyncio.gather(*(get(port, path) for path in asked))
            assert {answer.status for answer in answers} <= {200}
        bridge.terminate()
        _, log = await told
    finally:
        if bridge.returncode is None:
            bridge.kill()
    return set(_IMPORTED.findall(log.decode()))


async def test_nothing_of_it_is_loaded_where_it_is_off(tmp_path: Path) -> None:
    """Neither microdot nor the page; for HTTP, only the port and the pages made by hand."""
    off = await imported(tmp_path, page=False)
    assert {name for name in off if name.startswith(("sim7020_bridge.page", "microdot"))} == set()
    of_http = {name for name in off if name.startswith("sim7020_bridge.http.")}
    assert of_http == {f"sim7020_bridge.http.{name}" for name in ("addresses", "listener", "pages")}
    assert {"microdot", "sim7020_bridge.page.page"} <= await imported(tmp_path, page=True)


async def test_what_logs_in_is_loaded_where_there_is_a_password(tmp_path: Path) -> None:
    """Nor is a certificate's part where there is none."""
    parts = {f"sim7020_bridge.http.{name}" for name in ("passwords", "log_in", "tries", "turns", "certificate")}
    assert parts & await imported(tmp_path, page=True, asked=("/", "/api/session")) == set()


async def test_what_administers_is_loaded_once_it_is_asked_for(tmp_path: Path) -> None:
    """Looking at the page needs none of it; whoever asks for the ports or the configuration is answered with it."""
    looked = await imported(tmp_path, page=True, asked=("/", "/api/session", "/api/log", "/api/modems/shed/messages"))
    assert _ADMINISTRATION & looked == set()
    used = await imported(tmp_path, page=True, asked=("/api/ports", "/api/configuration", "/api/ports"))
    assert used >= _ADMINISTRATION
