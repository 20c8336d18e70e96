"""The port's certificate: shown, renewed under way, and what is said of files that are of no use."""

import asyncio
import logging
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from sim7020_bridge.http import certificate as certificate_module
from sim7020_bridge.http import listener
from sim7020_bridge.http.certificate import Certificate, CertificateUnusable
from sim7020_bridge.http.listener import Connection, Limits, listen
from tests.certificates import certificate
from tests.web import connection, until


async def answer(client: Connection) -> None:
    """Say back the first line."""
    client.writer.write(await client.reader.readline())
    assert client.encrypted
    await client.writer.drain()


def trusting(chain: Path) -> ssl.SSLContext:
    """Return a client's context that trusts one certificate."""
    return ssl.create_default_context(cafile=chain)


async def said_back(port: int, context: ssl.SSLContext) -> bytes:
    """Say hello, and return what comes back."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        writer.write(b"hello\n")
        try:
            return await reader.readline()
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def shown(tmp_path: Path) -> Certificate:
    """Make a certificate and read it."""
    shown = Certificate(*certificate(tmp_path, "localhost"))
    await shown.load()
    return shown


async def test_it_is_shown(shown: Certificate, tmp_path: Path) -> None:
    """A client that trusts it can talk, many times; one that does not can't."""
    async with listen("127.0.0.1", 0, answer, limits=Limits(clients=8), tls=shown.context) as port:
        for _ in range(20):
            assert await said_back(port, trusting(tmp_path / "localhost.pem")) == b"hello\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            await said_back(port, ssl.create_default_context())


async def test_who_never_shakes_hands(shown: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that say nothing, or nothing of TLS, count as clients and are hung up on."""
    monkeypatch.setattr(listener, "PATIENCE", 0.3)
    limits = Limits(clients=3)
    async with listen("127.0.0.1", 0, answer, limits=limits, tls=shown.context) as port:
        async with (
            connection(port) as (silent, _),
            connection(port, b"GET / HTTP/1.1\r\n\r\n") as (plain, _),
            connection(port),
            connection(port) as (one_more, _),
            asyncio.timeout(30),
        ):
            with suppress(ConnectionError):
                assert await silent.read() == b""
            assert b"HTTP" not in await plain.read()
            assert await one_more.read() == b""
        assert await said_back(port, trusting(tmp_path / "localhost.pem")) == b"hello\n"


async def test_it_is_renewed(
    shown: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """New files are used without a restart; files that are of no use leave the old ones in force."""
    monkeypatch.setattr(certificate_module, "LOOK_AGAIN", 0.02)
    old = trusting(tmp_path / "localhost.pem")
    following = asyncio.create_task(shown.follow())
    async with listen("127.0.0.1", 0, answer, limits=Limits(clients=8), tls=shown.context) as port:
        with caplog.at_level(logging.INFO):
            good = (tmp_path / "localhost.key").read_bytes()
            (tmp_path / "localhost.key").write_bytes(b"half a file")
            async with asyncio.timeout(30):
                while "stays in use" not in caplog.text:  # noqa: ASYNC110 - the log sets no event
                    await asyncio.sleep(0.01)
            assert await said_back(port, old) == b"hello\n"
            (tmp_path / "localhost.key").write_bytes(good)
            certificate(tmp_path, "localhost")
            new = trusting(tmp_path / "localhost.pem")
            async with asyncio.timeout(30):
                while "read again" not in caplog.text:  # noqa: ASYNC110 - the same
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await said_back(port, new) == b"hello\n"
                except ssl.SSLCertVerificationError:
                    await asyncio.sleep(0.01)  # it was read between the old key and the new one
                else:
                    break
        with pytest.raises(ssl.SSLCertVerificationError):
            await said_back(port, old)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_new_one_that_could_not_be_read_for_a_while(
    shown: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is read later, though nothing has changed in it; that it can't be is told once."""
    monkeypatch.setattr(certificate_module, "LOOK_AGAIN", 0.02)
    read, tries = shown._read, 0

    def too_many_open_files() -> ssl.SSLContext:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise CertificateUnusable("too many open files")
        return read()

    monkeypatch.setattr(shown, "_read", too_many_open_files)
    certificate(tmp_path, "localhost")
    with caplog.at_level(logging.INFO):
        following = asyncio.create_task(shown.follow())
        await until(lambda: "read again" in caplog.text)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert caplog.text.count("too many open files") == 1


def lock(key: Path, locked: Path) -> None:
    """Write a key with a passphrase."""
    command = ["openssl", "ec", "-aes128", "-passout", "pass:x", "-in", str(key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)


async def test_files_of_no_use(tmp_path: Path) -> None:
    """Each mistake has a sentence that names the file."""
    chain, key = certificate(tmp_path, "localhost")
    _, other = certificate(tmp_path, "other")
    locked, text, missing = tmp_path / "locked.key", tmp_path / "text", tmp_path / "missing"
    lock(key, locked)
    text.write_text("no PEM", encoding="utf-8")
    for files, words in (
        ((chain, other), f"the key in {other} is not that of the certificate in {chain}"),
        ((chain, locked), f"the key in {locked} has a passphrase"),
        ((text, key), f"there is no certificate (PEM) in {text}"),
        ((chain, text), f"there is no private key (PEM) in {text}"),
        ((chain, missing), f"{missing} can't be read: No such file or directory"),
        ((missing, key), f"{missing} can't be read: No such file or directory"),
    ):
        with pytest.raises(CertificateUnusable) as error:
            await Certificate(*files).load()
        assert words in str(error.value)
    with pytest.raises(CertificateUnusable):
        Certificate(chain, key).context()
