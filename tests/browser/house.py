"""A real Home Assistant as a process: seeded, so that it starts without onboarding, and used over its own API."""

import asyncio
import json
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.broker import Mosquitto
from tests.ports import free_port

COMPONENT = Path(__file__).parents[2] / "custom_components" / "sim7020"
USER = "owner"
PASSWORD = "a password for loopback"  # noqa: S105 - of a house that is pulled down after the test
PATIENCE = 60.0
"""Seconds that a start may take, and anything that must come."""

type Document = dict[str, Any]


class House:
    """Home Assistant with the component in its configuration directory, connected to a broker."""

    def __init__(self, directory: Path, broker: Mosquitto) -> None:
        self.directory = directory
        self.broker = broker
        self.port = free_port()
        self.tokens: Document = {}
        self._ends = AsyncExitStack()
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._last = 0

    @property
    def url(self) -> str:
        """Where its user interface is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.directory / "hass.log").read_text()

    async def start(self) -> None:
        """Seed it, start it, and log in."""
        _seed(self.directory, self.port, self.broker)
        shutil.copytree(COMPONENT, self.directory / "custom_components" / "sim7020")
        await self._hass("--script", "auth", "-c", str(self.directory), "add", USER, PASSWORD)
        with (self.directory / "hass.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *_hass(),
                "--skip-pip",
                "-c",
                str(self.directory),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._ends.push_async_callback(_end, process)
        self._http = await self._ends.enter_async_context(aiohttp.ClientSession(self.url))
        async with asyncio.timeout(PATIENCE):
            await self._log_in(process)
        self._socket = await self._ends.enter_async_context(self._http.ws_connect("/api/websocket", max_msg_size=0))
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self.tokens["access_token"]})
        await self._socket.receive_json()

    async def stop(self) -> None:
        """End it."""
        await self._ends.aclose()

    async def ask(self, kind: str, **body: object) -> Any:
        """Return the result of a command of its WebSocket API."""
        if self._socket is None:
            raise RuntimeError("the house was not started")
        self._last += 1
        await self._socket.send_json({"id": self._last, "type": kind, **body})
        while (answer := await self._socket.receive_json())["id"] != self._last:
            pass
        assert answer["success"], answer
        return answer["result"]

    async def states(self, device: str) -> dict[str, str]:
        """Return the state of each enabled entity of a device, by its key in the translations."""
        registry = await self.ask("config/entity_registry/list")
        keys = {each["entity_id"]: each["translation_key"] for each in registry if each["device_id"] == device}
        found = await self.ask("get_states")
        return {keys[state["entity_id"]]: state["state"] for state in found if state["entity_id"] in keys}

    async def retained(self, topic: str) -> str:
        """Return what a topic holds."""
        if self._socket is None:
            raise RuntimeError("the house was not started")
        await self.ask("mqtt/subscribe", topic=topic)
        subscription = self._last
        while (told := await self._socket.receive_json())["id"] != subscription:
            pass
        await self.ask("unsubscribe_events", subscription=subscription)
        return str(told["event"]["payload"])

    async def speak(self, language: str) -> None:
        """Have the house speak a language: names of entities are in the house's, all else is in the user's."""
        await self.ask("config/core/update", language=language)
        data = {"entry_id": await self.entry()}
        await self.ask("call_service", domain="homeassistant", service="reload_config_entry", service_data=data)

    async def publish(self, topic: str, payload: str) -> None:
        """Have a topic hold something else."""
        data = {"topic": topic, "payload": payload, "retain": True}
        await self.ask("call_service", domain="mqtt", service="publish", service_data=data)

    async def device(self, model: str) -> str:
        """Return the id of the component's device whose name ends so."""
        devices = await self.ask("config/device_registry/list")
        (found,) = [
            each["id"]
            for each in devices
            if each["name"].endswith(model) and any(domain == "sim7020" for domain, _ in each["identifiers"])
        ]
        return str(found)

    async def entry(self) -> str:
        """Return the id of the component's only config entry."""
        (found,) = await self.ask("config_entries/get", domain="sim7020")
        return str(found["entry_id"])

    async def _hass(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *_hass(),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
        assert process.returncode == 0, told.decode()

    async def _log_in(self, process: asyncio.subprocess.Process) -> None:
        if self._http is None:
            raise RuntimeError("the house was not started")
        client = {"client_id": f"{self.url}/"}
        begin = {**client, "handler": ["homeassistant", None], "redirect_uri": f"{self.url}/"}
        flow = None
        while flow is None:
            assert process.returncode is None, self.log
            try:
                async with self._http.post("/auth/login_flow", json=begin) as answer:
                    flow = (await answer.json())["flow_id"] if answer.ok else None
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
        who = {**client, "username": USER, "password": PASSWORD}
        async with self._http.post(f"/auth/login_flow/{flow}", json=who) as answer:
            code = (await answer.json())["result"]
        form = {**client, "grant_type": "authorization_code", "code": code}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self._http.post("/auth/token", data=urlencode(form), headers=headers) as answer:
            self.tokens = await answer.json()


def _hass() -> list[str]:
    return [sys.executable, "-m", "homeassistant"]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _seed(directory: Path, port: int, broker: Mosquitto) -> None:
    """Write the storage of a Home Assistant whose owner has been through onboarding and has added the broker."""
    storage = directory / ".storage"
    storage.mkdir()
    now = datetime.now(UTC).isoformat()

    def store(key: str, version: int, data: Document, minor: int = 1) -> None:
        document = {"version": version, "minor_version": minor, "key": key, "data": data}
        (storage / key).write_text(json.dumps(document))

    store("onboarding", 4, {"done": ["user", "core_config", "analytics", "integration"]})
    http = {
        "server_port": port,
        "server_host": ["127.0.0.1"],
        "cors_allowed_origins": [],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "intermediate_v6",
        "use_x_frame_options": True,
        "created_at": now,
        "error": None,
        "error_message": None,
    }
    store("http", 3, {"stable": http, "pending": None, "yaml_migration_done": True})
    entry: Document = {
        "created_at": now,
        "data": {"broker": broker.host, "port": broker.port, "protocol": "5"},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "mqtt",
        "entry_id": "broker",
        "minor_version": 1,
        "modified_at": now,
        "options": {"discovery": True, "birth_message": {}},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": "Broker",
        "unique_id": None,
        "version": 2,
    }
    store("core.config_entries", 1, {"entries": [entry]}, 5)
    (directory / "configuration.yaml").write_text(
        "homeassistant:\n  name: House\n  time_zone: UTC\n  country: DE\n"
        "config:\nhistory:\nlogger:\n  default: warning\n"
    )
