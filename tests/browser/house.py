"""A real Home Assistant as a process: seeded, so that it starts without onboarding, and used over its own API."""

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from homeassistant.util.yaml import load_yaml

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
        self._process: asyncio.subprocess.Process | None = None

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
        await self._run()

    async def restart(self) -> None:
        """End it in good order, start it again, and return once it runs; whoever was logged in still is."""
        await self.stop()
        await self._run()
        async with asyncio.timeout(PATIENCE):
            while (await self.ask("get_config"))["state"] != "RUNNING":  # noqa: ASYNC110 - it does not tell by itself
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def ask(self, kind: str, **body: object) -> Any:
        """Return the result of a command of its WebSocket API."""
        async with self._socket() as socket:
            return await _answer(socket, kind, **body)

    async def states(self, device: str) -> dict[str, str]:
        """Return the state of each enabled entity of a device, by its key in the translations."""
        registry = await self.ask("config/entity_registry/list")
        keys = {each["entity_id"]: each["translation_key"] for each in registry if each["device_id"] == device}
        found = await self.ask("get_states")
        return {keys[state["entity_id"]]: state["state"] for state in found if state["entity_id"] in keys}

    async def shows(self, model: str, key: str, value: str) -> None:
        """Return once an entity of a device shows a value; ``key`` is its key in the translations."""
        device, states = await self.device(model), {}
        try:
            async with asyncio.timeout(PATIENCE):
                while (states := await self.states(device)).get(key) != value:  # noqa: ASYNC110 - to be asked for
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{key} of {model} is not {value}: {states}") from None

    async def act(self, domain: str, service: str, data: Document, target: Document | None = None) -> None:
        """Take an action."""
        more = {} if target is None else {"target": target}
        await self.ask("call_service", domain=domain, service=service, service_data=data, **more)

    async def loaded(self) -> None:
        """Return once the component's entry is loaded: a page of a device offers diagnostics only if it opens then."""
        async with asyncio.timeout(PATIENCE):
            while (await self._entry())["state"] != "loaded":  # noqa: ASYNC110 - to be asked for
                await asyncio.sleep(0.1)

    async def automations(self) -> list[Document]:
        """Return the automations that were made in the editor, once there are some."""
        file = self.directory / "automations.yaml"
        async with asyncio.timeout(PATIENCE):
            while not (made := load_yaml(file)):  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.1)
        return made  # type: ignore[return-value] # or the test fails

    async def retained(self, topic: str) -> str:
        """Return what a topic holds."""
        async with self._socket() as socket:
            await _answer(socket, "mqtt/subscribe", topic=topic)
            return str((await socket.receive_json())["event"]["payload"])

    async def speak(self, language: str) -> None:
        """Have the house speak a language: names of entities are in the house's, all else is in the user's."""
        await self.ask("config/core/update", language=language)
        await self.act("homeassistant", "reload_config_entry", {"entry_id": await self.entry()})

    async def publish(self, topic: str, payload: str) -> None:
        """Have a topic hold something else."""
        await self.act("mqtt", "publish", {"topic": topic, "payload": payload, "retain": True})

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
        return str((await self._entry())["entry_id"])

    async def _entry(self) -> Document:
        (found,) = await self.ask("config_entries/get", domain="sim7020")
        return dict(found)

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

    async def _run(self) -> None:
        """Start it, and log in once that is possible."""
        with (self.directory / "hass.log").open("ab") as log:
            self._process = process = await asyncio.create_subprocess_exec(
                *_hass(),
                "--skip-pip",
                "-c",
                str(self.directory),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(self.url) as http:
            await self._log_in(http, process)

    async def _log_in(self, http: aiohttp.ClientSession, process: asyncio.subprocess.Process) -> None:
        client = {"client_id": f"{self.url}/"}
        begin = {**client, "handler": ["homeassistant", None], "redirect_uri": f"{self.url}/"}
        flow = None
        while flow is None:
            assert process.returncode is None, self.log
            try:
                async with http.post("/auth/login_flow", json=begin) as answer:
                    flow = (await answer.json())["flow_id"] if answer.ok else None
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
        who = {**client, "username": USER, "password": PASSWORD}
        async with http.post(f"/auth/login_flow/{flow}", json=who) as answer:
            code = (await answer.json())["result"]
        form = {**client, "grant_type": "authorization_code", "code": code}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with http.post("/auth/token", data=urlencode(form), headers=headers) as answer:
            self.tokens = await answer.json()

    @asynccontextmanager
    async def _socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Connect to its WebSocket API, for one question: Home Assistant hangs up on whoever keeps quiet."""
        async with aiohttp.ClientSession(self.url) as http, http.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self.tokens["access_token"]})
            await socket.receive_json()
            yield socket


async def _answer(socket: aiohttp.ClientWebSocketResponse, kind: str, **body: object) -> Any:
    await socket.send_json({"id": 1, "type": kind, **body})
    answer = await socket.receive_json()
    assert answer["success"], answer
    return answer["result"]


def _hass() -> list[str]:
    return [sys.executable, "-m", "homeassistant"]


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
    (directory / "automations.yaml").write_text("[]\n")
    (directory / "configuration.yaml").write_text(
        "homeassistant:\n  name: House\n  time_zone: UTC\n  country: DE\n"
        "config:\nhistory:\nlogbook:\nlogger:\n  default: warning\n"
        "automation: !include automations.yaml\n"
    )
