"""The broker connection over TLS, against a real mosquitto."""

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings, TlsSettings
from sim7020_bridge.mqtt.messages import Publication
from tests.bridge.mqtt.peer import PROTOCOLS, Peer, Relay, at, peer, until
from tests.broker import Mosquitto, mosquitto


def certificate(directory: Path, name: str, *extra: str) -> None:
    """Make a key and a certificate."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *extra],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    (directory / f"{name}.key").chmod(0o644)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Make an authority, a broker's certificate for localhost, and a client's."""
    certificate(tmp_path, "ca")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key")
    certificate(tmp_path, "localhost", *signed, "-addext", "subjectAltName=DNS:localhost")
    certificate(tmp_path, "client", *signed)
    certificate(tmp_path, "stranger")
    lock = ["openssl", "ec", "-aes128", "-passout", "pass:x", "-in", "client.key", "-out", "locked.key"]
    subprocess.run(lock, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
async def tls_broker(certificates: Path) -> AsyncIterator[Mosquitto]:
    """Run a broker that wants TLS and client certificates."""
    files = {"cafile": "ca.pem", "certfile": "localhost.pem", "keyfile": "localhost.key"}
    config = [f"{key} {certificates / name}" for key, name in files.items()]
    async with mosquitto(certificates, *config, "require_certificate true") as running:
        yield running


@PROTOCOLS
async def test_tls(tls_broker: Mosquitto, protocol: MqttProtocol) -> None:
    """Both sides are verified, and a burst over TLS arrives whole."""
    files = tls_broker.directory
    tls = TlsSettings(files / "ca.pem", files / "client.pem", files / "client.key")
    async with peer(MqttSettings("localhost", tls_broker.port, protocol=protocol, tls=tls)) as one:
        for number in range(200):
            one.client.publish(Publication(topic="to/me", payload=b"%d" % number * 100))
        assert [(await one.next()).payload for _ in range(200)] == [b"%d" % number * 100 for number in range(200)]


async def test_a_dot_behind_the_name(tls_broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole name, which is resolved as it is, is in no certificate with its dot."""
    resolve = socket.getaddrinfo
    asked: list[object] = []

    def resolved(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return resolve(host.removesuffix("."), *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    files = tls_broker.directory
    tls = TlsSettings(files / "ca.pem", files / "client.pem", files / "client.key")
    async with peer(MqttSettings("localhost.", tls_broker.port, tls=tls)) as one:
        one.client.publish(Publication(topic="to/me", payload=b"x"))
        assert (await one.next()).payload == b"x"
    assert set(asked) == {"localhost."}


@pytest.mark.parametrize(
    ("host", "ca", "client", "message"),
    [
        ("127.0.0.1", "ca", "client", "not valid for '127.0.0.1'. Check mqtt.tls.ca_file"),
        ("localhost", "stranger", "client", "its certificate can't be trusted"),
        ("localhost", None, "client", "its certificate can't be trusted"),
        ("localhost", "ca", None, "does it want a client certificate (mqtt.tls.cert_file and mqtt.tls.key_file)"),
        ("localhost", "ca", "stranger", "does it trust this client's certificate (mqtt.tls.cert_file"),
        ("localhost", "no", "client", "a certificate or key can't be read: No such file or directory"),
        ("localhost", "ca", "localhost.key", "a certificate or key can't be used. The files of mqtt.tls must be PEM"),
        ("localhost", "ca", "locked.key", "without a passphrase"),
    ],
)
async def test_tls_refusals(
    *,
    tls_broker: Mosquitto,
    host: str,
    ca: str | None,
    client: str | None,
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing unverified is talked to, and the log says what is wrong."""
    files = tls_broker.directory
    key = None if client is None else files / f"{client.removesuffix('.key')}.key"
    cert = (
        None
        if client is None
        else files
        / (client if client == "localhost.key" else f"{client.removesuffix('.key').replace('locked', 'client')}.pem")
    )
    tls = TlsSettings(None if ca is None else files / f"{ca}.pem", cert, key)
    one = Peer(MqttSettings(host, tls_broker.port, tls=tls))
    await until(lambda: message in caplog.text)
    assert one.connections == 0
    await one.end()


async def test_authority_that_is_not_trusted_any_more(tls_broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """The files are read anew for each connection, and nothing of them is kept from before."""
    files = tls_broker.directory
    trusted = files / "trusted.pem"
    trusted.write_bytes((files / "ca.pem").read_bytes())
    tls = TlsSettings(trusted, files / "client.pem", files / "client.key")
    async with peer(MqttSettings("localhost", tls_broker.port, tls=tls)) as one:
        trusted.write_bytes((files / "stranger.pem").read_bytes())
        await tls_broker.stop()
        await tls_broker.start()
        await until(lambda: "its certificate can't be trusted" in caplog.text)
        assert one.connections == 1


async def test_many_packets_in_one_tls_record(broker: Mosquitto, certificates: Path) -> None:
    """What TLS has decrypted is read to the end, though the socket shows nothing more to read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "localhost.pem", certificates / "localhost.key")
    async with Relay(broker.port, tls=context) as relay:
        settings = MqttSettings("localhost", relay.port, tls=TlsSettings(certificates / "ca.pem"))
        async with peer(settings) as one:
            await one.published(Publication(topic="elsewhere", payload=b""))
            relay.flows.clear()
            async with peer(at(broker), client_id="other") as other:
                for number in range(12):
                    await other.published(Publication(topic="to/me", payload=b"%d" % number))
            relay.flows.set()
            assert [int((await one.next()).payload) for _ in range(12)] == list(range(12))


async def test_plain_broker_with_tls(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """TLS towards a port without it fails in plain words."""
    one = Peer(MqttSettings("localhost", broker.port, tls=TlsSettings()))
    await until(lambda: "Does it speak TLS there? Check mqtt.port, or leave out mqtt.tls" in caplog.text)
    await one.end()
