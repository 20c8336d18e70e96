"""paho as the bridge needs it: on a connection that is open already, and not put off by what somebody published."""

import logging
import socket
import ssl
import struct
import sys
from importlib import import_module
from types import ModuleType
from typing import Final, Literal

from paho.mqtt import MQTTException, _packet, properties
from paho.mqtt.enums import MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

_UNUSED: Final = "urllib.request"
"""What paho looks for a proxy with, where it opens a connection itself. It would be a tenth of the program's memory."""

if _UNUSED not in sys.modules:
    sys.modules[_UNUSED] = ModuleType(_UNUSED)
    import_module("paho.mqtt.client")
    del sys.modules[_UNUSED]  # whoever else imports it gets it

from paho.mqtt.client import (  # noqa: E402 - without what it would import
    MQTT_CLEAN_START_FIRST_ONLY,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
)

from sim7020_bridge.mqtt.packets import of_subscription  # noqa: E402 - it knows paho, too
from sim7020_bridge.mqtt.topics import Subscription  # noqa: E402

__all__ = ["MQTT_CLEAN_START_FIRST_ONLY", "ConnectFlags", "DisconnectFlags", "MQTTMessage", "PahoClient"]

_LOGGER = logging.getLogger(__name__)

_KIND = 0xF0

_NUMBER: Final = 2
"""Bytes of a packet's number."""

_TAKEN: Final = {b"\x00", b"\x10"}
"""Reason codes by which a broker has a message: Success, and No matching subscribers (MQTT 5.0 section 3.4.2.1)."""

_READ_AT_ONCE: Final = 4096
"""Bytes that are read at once, where paho asks for a packet in three or more pieces."""


class PahoClient(Client):
    """Ends the connection with a protocol error at anything that is not MQTT.

    Only a PUBLISH that can be acknowledged is dropped instead, for it would come again at every connection.
    """

    opened: socket.socket
    """The connection to use next: paho's own way of opening one blocks."""

    malformed = ""
    """What was wrong with the last packet that could not be read, in words."""

    _unread = b""

    @property
    def unread(self) -> bool:
        """Whether there is something to read that no selector sees: here, or what TLS has decrypted already."""
        decrypted = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        return self._sock is not None and (bool(self._unread) or decrypted)

    def ask_for(self, wanted: Subscription) -> int | None:
        """Subscribe, and return the packet's number; None if there is no connection."""
        if self.protocol != MQTTProtocolVersion.MQTTv5:
            return self.subscribe(wanted.topic_filter, qos=1)[1]
        return self.subscribe(wanted.topic_filter, options=of_subscription(wanted))[1]

    def write(self) -> bool:
        """Write what is to be written; say whether there is some that the connection does not take now."""
        self.loop_write()
        return self._sock is not None and self.want_write()

    def _create_socket(self) -> socket.socket:
        self.malformed = ""
        self._unread = b""
        return self.opened

    def _sock_recv(self, bufsize: int) -> bytes:
        if not self._unread:
            self._unread = super()._sock_recv(max(bufsize, _READ_AT_ONCE))
        taken, self._unread = self._unread[:bufsize], self._unread[bufsize:]
        return taken

    def _sock_send(self, buf: bytes | bytearray) -> int:
        """Send a packet, together with those that follow at once: each segment costs more than its packet."""
        if not self._out_packet or not isinstance(self._sock, socket.socket) or isinstance(self._sock, ssl.SSLSocket):
            return super()._sock_send(buf)
        try:
            return self._sock.send(buf, socket.MSG_MORE)
        except BlockingIOError:
            self._call_socket_register_write()
            raise

    def _packet_handle(self) -> MQTTErrorCode:
        try:
            return super()._packet_handle()
        except MalformedPacket as error:
            self.malformed = str(error)
            return self._drop_message()
        except (LookupError, ValueError, TypeError, struct.error, MQTTException) as error:
            self.malformed = str(error)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        """Take an acknowledgement; paho makes five objects to find that one says nothing else, as nearly all."""
        body = self._in_packet["packet"]
        packet = int.from_bytes(body[:2], "big")
        plain = len(body) == _NUMBER or (
            self._protocol == MQTTProtocolVersion.MQTTv5 and bytes(body[_NUMBER:]) in _TAKEN
        )
        if cmd == "PUBACK" and plain and packet in self._out_messages:
            return self._do_on_publish(packet, _SUCCESS, _NO_PROPERTIES)
        return super()._handle_pubackcomp(cmd)

    def _drop_message(self) -> MQTTErrorCode:
        """Have done with what can't be read, if it is a message of QoS 0 or 1 with all that an answer needs."""
        first, body = self._in_packet["command"], self._in_packet["packet"]
        qos, end = first >> 1 & 3, 2 + int.from_bytes(body[:2], "big")
        packet = int.from_bytes(body[end : end + 2], "big") if qos else 0
        if first & _KIND != MessageType.PUBLISH or qos > 1 or len(body) < end + 2 * qos or (qos and not packet):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        topic = body[2:end].decode(errors="replace")
        _LOGGER.warning("a message to %s was dropped: it is not MQTT: %s", topic, self.malformed)
        return self.ack(packet, 1) if qos else MQTTErrorCode.MQTT_ERR_SUCCESS


def _read_text(buffer: bytes, longest: int) -> tuple[str, int]:
    """Read the text of a property, and return it with the bytes that it took; raises for what is none.

    paho's own takes U+FEFF for an error, which MQTT lets anybody send (5.0 section 1.5.4).
    """
    end = 2 + int.from_bytes(buffer[:2], "big")
    if end > longest:
        raise MalformedPacket("a text is longer than its properties")
    text = bytes(buffer[2:end]).decode()
    if "\0" in text:
        raise MalformedPacket("a text has U+0000")
    return text, end


properties.readUTF = _read_text


_TABLES = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]


class _LightProperties(Properties):
    """Properties that share their tables: paho makes them anew for each packet, twice and more for each message."""

    types, names, properties = _TABLES.types, _TABLES.names, _TABLES.properties

    def __init__(self, packet_type: int) -> None:
        self.packetType = packet_type


_packet.Properties = _LightProperties  # type: ignore[attr-defined]

_SUCCESS: Final = ReasonCode(PacketTypes.PUBACK)
_NO_PROPERTIES: Final = _LightProperties(PacketTypes.PUBACK)
