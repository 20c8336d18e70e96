"""The composition root: a configuration becomes running modems, each with its own MQTT connection."""

import asyncio
import logging
import signal
from pathlib import Path
from typing import Final

from sim7020_bridge import logs
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import ModemSettings, MqttSettings, Settings
from sim7020_bridge.modem.hook import PowerHook
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.documents import OFFLINE
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.topics import Inbox, Request, SocketSend, Topics
from sim7020_bridge.reporter import Reporter, pdn_document
from sim7020_bridge.requests import Requests
from sim7020_bridge.router import Router

log: Final = logging.getLogger(__name__)


class Bridge:
    """One modem and its MQTT connection, wired together."""

    def __init__(
        self,
        mqtt: MqttSettings,
        settings: ModemSettings,
        *,
        state_dir: Path,
        timing: Timing | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        topics = Topics(mqtt.base_topic, settings.name)
        offline = Publication(topic=topics.availability, payload=OFFLINE, retain=True)
        self._inbox = Inbox(topics, settings.sockets)
        self._client = MqttClient(
            mqtt,
            client_id=f"sim7020-bridge-{settings.name}",
            will=offline,
            farewell=(offline,),
            subscriptions=self._inbox.subscriptions,
            on_connect=self._connected,
            on_message=self._take,
        )
        power = settings.recovery.power
        self.modem = Modem(
            settings,
            state_dir=state_dir,
            on_socket=self._socket_changed,
            on_data=self._deliver,
            power=None if power is None else PowerHook(power, publish=self._publish_text),
            timing=timing,
            clock=clock,
        )
        self._router = Router(
            self.modem.sockets,
            topics=topics,
            inbox=self._inbox,
            publish=self._client.publish,
            on_change=self._outbox_changed,
            clock=clock,
        )
        self._requests = Requests(
            self.modem,
            topics=topics,
            inbox=self._inbox,
            submit=self._router.submit,
            pdn=lambda state: pdn_document(state.pdn),
            publish=self._client.publish,
            clock=clock,
        )
        self._reporter = Reporter(
            settings,
            facts=self.modem.facts,
            sockets=self.modem.sockets,
            outbox=self._router.outbox,
            topics=topics,
            requests=self._requests.verbs,
            publish=self._client.publish,
            clock=clock,
        )

    async def run(self) -> None:
        """Run until cancelled, then say goodbye to the broker."""
        logs.current_modem.set(self.modem.settings.name)
        talking = asyncio.create_task(self._client.run(), name="mqtt")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.modem.run(), name="modem")
                tasks.create_task(self._router.run(), name="router")
                tasks.create_task(self._wake_for_messages(), name="wake")
                tasks.create_task(_end_with(talking), name="watch mqtt")
        finally:
            # the modem's last state goes out before the connection does
            await self._requests.stop()
            self._reporter.stop()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    def _connected(self) -> None:
        self._reporter.connected()

    def _take(self, received: Received) -> None:
        match self._inbox.destination(received.topic):
            case SocketSend(socket):
                self._router.take(socket, received)
            case Request(verb):
                self._requests.take(verb, received)
            case None:
                log.warning("a message to %s is for nobody", received.topic)
        self._client.acknowledge(received)

    def _socket_changed(self, socket: ModemSocket) -> None:
        self._reporter.socket_changed(socket)

    def _deliver(self, socket: ModemSocket, data: bytes) -> None:
        self._router.deliver(socket, data)

    def _outbox_changed(self) -> None:
        self._reporter.outbox_changed()

    def _publish_text(self, topic: str, text: str) -> None:
        self._client.publish(Publication(topic=topic, payload=text.encode()))

    async def _wake_for_messages(self) -> None:
        """Wake a module that saves power as soon as a message waits for it."""
        while True:
            await self.modem.facts.until(lambda state: bool(state.sleeping))
            await self._router.outbox.until_any()
            await self.modem.wake()
            await self.modem.facts.until(lambda state: not state.sleeping)


async def _end_with(talking: "asyncio.Task[None]") -> None:
    """Fail when the MQTT client does, which it never should."""
    await asyncio.shield(talking)


async def run(settings: Settings) -> None:
    """Run every configured modem until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(
                Bridge(settings.mqtt, modem, state_dir=settings.state_dir).run(), name=f"modem {modem.name}"
            )
            for modem in settings.modems
        ]
        await stop.wait()
        log.info("stopping")
        for task in running:
            task.cancel()
