"""The TCP or TLS connection that MQTT is spoken over."""

import socket
import ssl
from functools import partial

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.model import MqttSettings, TlsSettings


async def opened(settings: MqttSettings, *, patience: float) -> socket.socket:
    """Return a connection to the broker, opened in a thread of its own: resolving names blocks.

    Cancelling waits for nothing, and neither do the ends of the event loop and of the program; what opens after all
    is closed.

    Args:
        settings: The broker.
        patience: Longest wait in seconds for each address, and for each answer of the TLS handshake.

    Raises:
        OSError: It can't be opened: the name, the network, TLS (ssl.SSLError), a file of it, or no thread is to be had.
        ValueError: The name is none that could be resolved.
    """
    return await in_a_thread(partial(_open, settings, patience), discard=socket.socket.close)


def _open(settings: MqttSettings, timeout: float) -> socket.socket:
    context = None if settings.tls is None else _context(settings.tls)
    connection = socket.create_connection((settings.host, settings.port), timeout)
    # Nagle's algorithm would hold back each small packet by some 40 ms.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # wrap_socket closes what it can't come to terms over
    # in a certificate, and in what is said of it (RFC 6066 section 3), no name ends with a dot
    name = settings.host.removesuffix(".")
    return connection if context is None else context.wrap_socket(connection, server_hostname=name)


def _context(settings: TlsSettings) -> ssl.SSLContext:
    """Read the files, anew for each connection, so that the next one uses what was renewed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(settings.ca_file)
    if settings.cert_file is not None:
        # An empty passphrase: without one OpenSSL would ask at the terminal.
        context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    return context
