"""What the demo does of its own: one message through a socket and back, or telemetry every few seconds."""

import asyncio
import itertools
import math
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.config.model import SocketSettings, Transport
from sim7020_bridge.delivery.receipts import ReceiptState
from sim7020_bridge.demo.child import DemoFailed
from sim7020_bridge.demo.echo import EchoServer
from sim7020_bridge.demo.stage import MODEM
from sim7020_bridge.kit.watch.heard import Modems
from sim7020_bridge.kit.watch.messages import Incoming
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Publication

PERIOD: Final = 4.0
"""Seconds between two messages of telemetry: one can be followed on its way before the next sets out."""

WARM: Final = 21.5
"""The greenhouse's middle temperature in degrees Celsius; above it the window is opened."""

FINAL: Final = {Transport.UDP: ReceiptState.ACCEPTED, Transport.TCP: ReceiptState.ACKNOWLEDGED}
"""What the last receipt says when all went well."""


@dataclass(slots=True)
class RoundTrip:
    """One message there and back; the times are in seconds since it was published, None until they are known."""

    socket: SocketSettings
    payload: bytes
    arrived: float | None = None
    settled: float | None = None
    returned: float | None = None

    @property
    def waits_for(self) -> str | None:
        """What is still to come, in words; None when all has."""
        if self.arrived is None:
            return f"the message at the {self.socket.transport} server"
        if self.settled is None:
            return f"the final receipt of {self.socket.name}"
        if self.returned is None:
            return f"the answer on {self.socket.received_topic}"
        return None


async def round_trip(trip: RoundTrip, client: MqttClient, modems: Modems, server: EchoServer) -> None:
    """Publish a message and return when it was at the server, is answered on MQTT and has its final receipt.

    Raises DemoFailed if the bridge says that it was not sent.
    """
    socket = trip.socket
    published = modems.elapsed
    client.publish(Publication(topic=socket.send_topics[0], payload=trip.payload))

    def done() -> bool:
        passed = modems.elapsed - published
        if trip.arrived is None and server.has(trip.payload):
            trip.arrived = passed
        if trip.returned is None and _came_back(trip, modems):
            trip.returned = passed
        if trip.settled is None and _settled(trip, modems):
            trip.settled = passed
        return trip.waits_for is None

    await modems.until(done)


def _came_back(trip: RoundTrip, modems: Modems) -> bool:
    """Whether the payload came back, in one piece or, from a stream, in several."""
    received = (each for each in modems.modem(MODEM).messages if isinstance(each, Incoming))
    return trip.payload in b"".join(each.data for each in received if each.socket == trip.socket.name)


def _settled(trip: RoundTrip, modems: Modems) -> bool:
    socket = trip.socket
    for message in modems.modem(MODEM).messages.outgoing(socket.name):
        if message.data == trip.payload:
            if not message.final:
                return False
            state = next(reversed(message.states))
            if state != FINAL[socket.transport]:
                raise DemoFailed(f"{socket.name}: the message is {state}, {message.error or 'for no known reason'}")
            return True
    return False


async def publish_telemetry(client: MqttClient, telemetry: SocketSettings, control: SocketSettings) -> None:
    """Publish a temperature every few seconds, and every third time where the window stands, until cancelled."""
    for count in itertools.count():
        temperature = WARM + 3 * math.sin(count / 5)
        client.publish(Publication(topic=telemetry.send_topics[0], payload=f"{temperature:.1f}".encode()))
        if count % 3 == 0:
            window = "open" if temperature > WARM else "closed"
            client.publish(Publication(topic=control.send_topics[0], payload=window.encode()))
        await asyncio.sleep(PERIOD)
