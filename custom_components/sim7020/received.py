"""What came from the network through a socket: the bytes, whatever the socket's encoding made of them."""

import base64
import binascii
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from homeassistant.util.json import json_loads_object

from .documents import Encoding
from .reading import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message from the network. ``at`` and ``peer`` are known with the encoding ``json`` only."""

    socket: str
    data: bytes
    at: datetime | None = None
    peer: str | None = None

    @property
    def text(self) -> str | None:
        """The message if it is text that can be shown: UTF-8, no control characters but tabulators and line ends."""
        try:
            text = self.data.decode()
        except UnicodeDecodeError:
            return None
        return text if all(c in "\t\r\n" or unicodedata.category(c) != "Cc" for c in text) else None


def decode(socket: str, encoding: Encoding | None, payload: bytes) -> Received:
    """Undo a socket's encoding. What is not as the encoding says is taken as it came.

    ``text`` is taken as it is: whether the bridge or the peer wrote a byte as backslash, x and digits can't be told.
    """
    try:
        match encoding:
            case Encoding.HEX:
                return Received(socket=socket, data=binascii.unhexlify(payload))
            case Encoding.BASE64:
                return Received(socket=socket, data=base64.b64decode(payload, validate=True))
            case Encoding.JSON:
                keys = Keys(json_loads_object(payload))
                data = binascii.unhexlify(keys.text("data_hex") or "")
                return Received(socket=socket, data=data, at=keys.time("at"), peer=keys.text("peer"))
            case _:
                return Received(socket=socket, data=payload)
    except ValueError:
        return Received(socket=socket, data=payload)
