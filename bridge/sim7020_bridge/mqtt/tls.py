"""Trust in the broker, and how to be known to it."""

import socket
import ssl

from sim7020_bridge.config.model import TlsSettings


class BrokerContext(ssl.SSLContext):
    """A context that can close its last socket, which the MQTT library leaves open if the handshake fails."""

    _last: ssl.SSLSocket | None = None

    def wrap_socket(  # noqa: PLR0917 - the signature is the standard library's
        self,
        sock: socket.socket,
        server_side: bool = False,  # noqa: FBT001, FBT002
        do_handshake_on_connect: bool = True,  # noqa: FBT001, FBT002
        suppress_ragged_eofs: bool = True,  # noqa: FBT001, FBT002
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Wrap as any context does."""
        self._last = super().wrap_socket(
            sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, server_hostname, session
        )
        return self._last

    def close_last(self) -> None:
        """Close what was wrapped last."""
        if self._last is not None:
            self._last.close()


def load_certificates(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Read the files anew, so that a renewed certificate is used at the next connection.

    Raises:
        OSError: A file can't be read, or is not what it should be (ssl.SSLError).
    """
    if settings.ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(settings.ca_file)
    if settings.cert_file is not None:
        # An empty passphrase: without one OpenSSL would ask at the terminal.
        context.load_cert_chain(settings.cert_file, settings.key_file, password="")
