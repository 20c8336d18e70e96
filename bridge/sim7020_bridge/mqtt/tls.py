"""Trust in the broker, and how to be known to it."""

import ssl

from sim7020_bridge.config.model import TlsSettings


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
