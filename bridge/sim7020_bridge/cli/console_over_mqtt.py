"""The console's other partner: a modem whose port a running bridge holds, through ``request/at``."""

import asyncio
from typing import Any, Final

import click

from sim7020_bridge.cli.broker import connected
from sim7020_bridge.cli.console_lines import converse, shown
from sim7020_bridge.cli.keyboard import Keyboard
from sim7020_bridge.cli.names import there
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.decode.decoder import Decoder
from sim7020_bridge.kit.decode.kinds import Direction, Kind
from sim7020_bridge.kit.decode.log_line import LogLine
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.json_text import dump, object_or_nothing
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import new_id

_CONNECTING: Final = 10.0
"""Seconds for the broker to accept the console."""
_ADVICE: Final = {
    "not_allowed": "add it to allow_at in the configuration",
    "unknown_verb": "the configuration has no allow_at for this modem",
}


async def speak(mqtt: MqttSettings, modem: str, within: float, failed: list[str]) -> None:
    """Carry lines from the keyboard to a modem of a bridge, until there are no more."""
    await there(mqtt, modem, limit=_CONNECTING)
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    topics = Topics(mqtt.base_topic, modem)

    def take(received: Received) -> None:
        if answer := object_or_nothing(received.payload):
            answers.put_nowait(answer)

    async with connected(mqtt, [topics.response("at")], take, within=_CONNECTING) as client:
        with Keyboard() as keyboard:
            await converse(keyboard, _BridgedModule(client, topics, answers, keyboard), within, failed)


class _BridgedModule:
    """A module that a bridge speaks with for us: what comes by itself is the bridge's, and there are no prompts."""

    def __init__(
        self, client: MqttClient, topics: Topics, answers: "asyncio.Queue[dict[str, Any]]", keyboard: Keyboard
    ) -> None:
        self._client = client
        self._topics = topics
        self._answers = answers
        self._keyboard = keyboard

    @property
    def wants_data(self) -> bool:
        return False

    async def ask(self, line: str, within: float) -> bool:
        asked = new_id()
        body = dump({"transaction": asked, "command": line.strip()})
        self._client.publish(Publication(topic=self._topics.request("at"), payload=body))
        try:
            async with asyncio.timeout(within):
                while (answer := await self._answers.get()).get("transaction") != asked:
                    pass
        except TimeoutError:
            problem = f"no bridge answered for {self._topics.modem} within {within:g} s"
            self._keyboard.show(click.style(problem, fg="red"))
            return False
        return self._show(line.strip(), answer)

    def _show(self, line: str, answer: dict[str, Any]) -> bool:
        decoder = Decoder(live=True)
        asked = decoder.take(LogLine(0, (line,), Direction.OUT))
        if not self._keyboard.interactive:
            for each in asked:
                self._keyboard.show(shown(each))
        if answer.get("status") != "ok":
            error = answer.get("error")
            code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
            advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
            self._keyboard.show(click.style(f"refused: {message}{advice}", fg="red"))
            return False
        data = answer.get("data")
        lines = data.get("lines") if isinstance(data, dict) else None
        for text in [*(lines if isinstance(lines, list) else []), "OK"]:
            for each in decoder.take(LogLine(0, (str(text),), Direction.IN)):
                if each.kind is not Kind.ECHO:
                    self._keyboard.show(shown(each))
        return True
