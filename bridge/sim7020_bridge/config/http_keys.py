"""The keys of the section ``http``: a port for programs that watch the bridge, and for people."""

from pathlib import Path

from sim7020_bridge.config import model, module_values, values
from sim7020_bridge.config.schema import Key, Section, list_of

_PORT = values.whole_number(1, values.MAX_PORT)


def http(directory: Path) -> Section:
    """Return the section; files that keys name are looked for in ``directory``."""
    file = values.readable_file(directory)
    tls = Section(
        model.CertificateSettings,
        Key("cert_file", file, "The certificate (PEM), with those between it and a root behind it.", required=True),
        Key("key_file", file, "Its private key (PEM), without a passphrase.", required=True),
    )
    ingress = Section(
        model.IngressSettings,
        Key("port", _PORT, "The TCP port that the Supervisor connects to.", required=True),
        Key(
            "supervisor",
            values.an_address,
            "The Supervisor's address. Nobody else is served at that port, and from there everybody may do everything: "
            "Home Assistant has let them in.",
        ),
    )
    return Section(
        model.HttpSettings,
        Key("port", _PORT, "The TCP port; nothing listens without it.", required=True),
        Key(
            "host",
            values.broker_host,
            "The address to listen at; only this computer can reach the default. Everybody who reaches it may read "
            "`/health` and `/metrics`.",
        ),
        Key("page", module_values.flag, "Serve the page at `/`, too. Beyond this computer it needs a password."),
        Key(
            "password_file",
            values.file_to_be(directory),
            "Where `sim7020-bridge password` keeps what it makes of the page's passwords; without it, "
            "`page.passwords` in `state_dir`.",
        ),
        Key(
            "allowed_hosts",
            list_of(values.broker_host, "names, such as [bridge.example.net]"),
            "Names that browsers reach the page by, such as a proxy's. This computer's own name, alone and with "
            "`.local`, and all addresses are allowed anyway; if `host` is this computer alone, only its own names are.",
        ),
        Key("tls", tls, "Encrypt the port; the files are read again when they change."),
        Key("ingress", ingress, "A second port, which shows the page inside Home Assistant. The app sets it."),
    )
