"""Whether a broker would accept the bridge, tried with the very client that the bridge has."""

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.environment import without_modems
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.config.writing import Draft, written
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.http.app import Call
from sim7020_bridge.http.reply import Refusal, Reply, in_json
from sim7020_bridge.mqtt.onlooker import accepted
from sim7020_bridge.page.administration_routes import Handlers
from sim7020_bridge.page.configuration import told
from sim7020_bridge.page.form import filled

KEYS: Final = frozenset({"host", "port", "username", "password", "password_file", "protocol", "tls"})
"""What of the section ``mqtt`` can be tried."""


class BrokerTrial:
    """Tries brokers, one after the other.

    Args:
        file: The configuration, beside which files are that the keys name.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._trying = asyncio.Lock()

    async def result(self, mqtt: Mapping[str, Any]) -> Reply:
        """Return whether the broker that some keys of the section ``mqtt`` name accepts the bridge, and that in words.

        Raises:
            Refusal: Another one is being tried.
        """
        if self._trying.locked():
            raise Refusal(HTTPStatus.CONFLICT, "busy", "another broker is being tried", Retry_After="3")
        async with self._trying:
            try:
                settings = await in_a_thread(partial(self._settings, mqtt))
            except ConfigurationError as error:
                mistakes = told(error.mistakes)
                words = "; ".join(f"{each['key']}: {each['message']}" for each in mistakes)
                return in_json({"ok": False, "words": words, "mistakes": mistakes})
            ok, words = await accepted(settings)
            return in_json({"ok": ok, "words": words})

    def _settings(self, mqtt: Mapping[str, Any]) -> MqttSettings:
        # a whole configuration, so that the environment counts as it will
        text = written(Draft(mqtt, "modem", {"port": "/dev/null"}), self._file.name)
        return read(self._file, without_modems(os.environ), text=text).settings.mqtt


def handlers(trial: BrokerTrial) -> Handlers:
    """Return what carries out ``api/try-broker``."""

    async def tried(call: Call) -> Reply:
        document = call.document()
        return await trial.result(filled({key: document[key] for key in document.keys() & KEYS}))

    return {"/api/try-broker": tried}
