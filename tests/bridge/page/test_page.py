"""The page's own routes: files, log-in, and what the browser is told of it."""

import asyncio
import contextlib
import gzip
import http.cookiejar
import json
import logging
import ssl
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge import VERSION
from sim7020_bridge.config.model import CertificateSettings, HttpSettings, IngressSettings
from sim7020_bridge.http.files import Files
from sim7020_bridge.page.page import WWW
from tests.bridge.page.whole import ALL, EYES, page, serving, with_passwords
from tests.certificates import certificate
from tests.ports import free_port
from tests.web import connection, get, post, request, send

HERE = HttpSettings(port=0, page=True)
EVERYWHERE = HttpSettings(port=0, host="0.0.0.0", page=True)  # noqa: S104 - for a moment


async def test_index_and_static_files(tmp_path: Path) -> None:
    """All that is in the folder is served, whole, packed if that is taken, and not again if it is known."""
    async with serving(page(HERE, tmp_path / "none")) as port:
        index = await get(port, "/")
        assert (index.status, index.body) == (200, (WWW / "index.html").read_bytes())
        assert index.fields["content-type"] == "text/html; charset=utf-8"
        for file in WWW.rglob("*"):
            if not file.is_file():
                continue
            path = f"/static/{file.relative_to(WWW).as_posix()}"
            plain, packed = await get(port, path), await get(port, path, Accept_Encoding="br, gzip")
            assert plain.body == file.read_bytes() == gzip.decompress(packed.body), path
            assert packed.fields["content-encoding"] == "gzip"
            assert packed.fields["cache-control"] == "no-cache"
            again = await get(port, path, If_None_Match=packed.fields["etag"])
            assert (again.status, again.body) == (304, b"")


async def test_passwords_that_vanish_before_anybody_comes(tmp_path: Path) -> None:
    """That nobody has asked for the page yet does not open it."""
    file = with_passwords(tmp_path)
    async with serving(page(HERE, file)) as port:
        file.unlink()
        assert (await get(port, "/api/session")).status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/nothing.js",
        "/static/../page.py",
        "/static/../../page/page.py",
        "/static/%2e%2e/page.py",
        "/static/..%2fpage.py",
        "/static/..%5cpage.py",
        "/static/%252e%252e/page.py",
        "/static/....//page.py",
        "/static//etc/passwd",
        "/static/./index.html",
        "/static/vendor",
        "/static/vendor/..",
        "/static/index.html%00.js",
        "/static/index.html/",
        "/../static/index.html",
        "//etc/passwd",
        "/page.passwords",
    ],
)
async def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    """What isn't in the folder is nowhere, however it is written."""
    async with serving(page(HERE, with_passwords(tmp_path))) as port:
        assert (await get(port, path)).status == 404


async def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    """It isn't followed, and a file that was changed is read again."""
    folder = tmp_path / "www"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "file.txt").write_text("one", encoding="utf-8")
    files = Files(folder)
    with pytest.raises(Exception, match="no such file"):
        await files.reply("link.txt", {})
    assert (await files.reply("file.txt", {})).body == b"one"
    (folder / "file.txt").write_text("another", encoding="utf-8")
    assert (await files.reply("file.txt", {})).body == b"another"


async def test_without_a_password_here(tmp_path: Path) -> None:
    """Whoever sits at this machine may do everything, as at the command line; who comes by a proxy may nothing."""
    async with serving(page(HERE, tmp_path / "none")) as port:
        answer = await get(port, "/api/session")
        assert answer.status == 200
        session = answer.document()
        assert session.pop("host")
        assert abs(datetime.fromisoformat(session.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
        assert session == {
            "role": "full",
            "password": False,
            "version": VERSION,
            "setup": False,
            "modems": ["shed"],
            "base_topic": "sim7020",
        }
        relayed = await get(port, "/api/session", X_Forwarded_For="192.0.2.9")
        assert (relayed.status, relayed.code) == (403, "no_password")


async def test_without_a_password_everywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The page is closed, and says how to open it; health is not."""
    with caplog.at_level(logging.ERROR):
        async with serving(page(EVERYWHERE, tmp_path / "none")) as port:
            for answer in (await get(port, "/api/session"), await post(port, "/api/login", {"password": "x" * 8})):
                assert (answer.status, answer.code) == (403, "no_password")
                assert "sim7020-bridge password" in answer.document()["message"]
            assert (await get(port, "/health")).body == b"well"
            assert (await get(port, "/health", Host="pi.example")).body == b"well"
            assert (await get(port, "/", Host="pi.example")).status == 421
    assert "sim7020-bridge password" in caplog.text


async def test_logging_in_and_out(tmp_path: Path) -> None:
    """A password makes a session, which a cookie holds that no script reads; logging out ends it."""
    async with serving(page(EVERYWHERE, with_passwords(tmp_path))) as port:
        assert (await get(port, "/api/session")).code == "log_in"
        for password, role in ((ALL, "full"), (EYES, "read_only")):
            entered = await post(port, "/api/login", {"password": password})
            assert (entered.status, entered.body) == (204, b"")
            about = entered.fields["set-cookie"].partition("; ")[2]
            assert about == "HttpOnly; SameSite=Strict"
            session = await get(port, "/api/session", Cookie=f"other=1; {entered.cookie}")
            assert (session.document()["role"], session.document()["password"]) == (role, True)
            left = await post(port, "/api/logout", {}, Cookie=entered.cookie)
            assert (left.status, "Max-Age=0" in left.fields["set-cookie"]) == (204, True)
            assert (await get(port, "/api/session", Cookie=entered.cookie)).status == 401


async def test_logging_in_again_ends_the_session_before(tmp_path: Path) -> None:
    """A token that somebody had planted, or seen, is worth nothing afterwards."""
    async with serving(page(HERE, with_passwords(tmp_path))) as port:
        before = (await post(port, "/api/login", {"password": ALL})).cookie
        after = (await post(port, "/api/login", {"password": ALL}, Cookie=before)).cookie
        assert before != after
        assert (await get(port, "/api/session", Cookie=before)).status == 401
        assert (await get(port, "/api/session", Cookie=after)).status == 200


@pytest.mark.parametrize("body", [{}, {"password": 1}, {"password": None}, {"password": ["a"]}])
async def test_logging_in_without_a_password(tmp_path: Path, body: object) -> None:
    """That is a mistake, and no try."""
    async with serving(page(HERE, with_passwords(tmp_path))) as port:
        assert (await post(port, "/api/login", body)).status == 400


async def test_the_cookie_where_the_browser_came_encrypted(tmp_path: Path) -> None:
    """It goes by https alone then, whether the encryption ends here or at a proxy."""
    chain, key = certificate(tmp_path, "localhost")
    passwords = with_passwords(tmp_path)
    async with serving(page(HERE, passwords)) as port:
        entered = await post(port, "/api/login", {"password": ALL}, Origin="https://localhost")
        assert "; Secure" in entered.fields["set-cookie"]
    encrypted = HttpSettings(port=0, page=True, tls=CertificateSettings(chain, key))
    async with serving(page(encrypted, passwords)) as port:
        context = ssl.create_default_context(cafile=chain)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        login = request("POST", "/api/login", {"password": ALL}, {"Origin": "https://localhost"})
        writer.write(login)
        assert b"; Secure" in await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_a_certificate_of_no_use(tmp_path: Path) -> None:
    """Nothing is served in the clear instead."""
    (tmp_path / "text").write_text("no PEM", encoding="utf-8")
    files = CertificateSettings(tmp_path / "text", tmp_path / "text")
    with pytest.raises(OSError, match="no certificate"):
        async with serving(page(HttpSettings(port=0, page=True, tls=files), tmp_path / "none")):
            pass


@asynccontextmanager
async def proxy(prefix: str, target: int) -> AsyncIterator[int]:
    """Serve another server's pages under a path, as a reverse proxy does that passes the Host on."""
    relays: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        relays.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            line = await reader.readline()
            method, path, version = line.split(b" ")
            assert path.startswith(prefix.encode())
            async with connection(target) as (back, out):
                out.write(b" ".join((method, path.removeprefix(prefix.encode()), version)))
                out.write(b"X-Forwarded-For: 192.0.2.9\r\n")
                forth = asyncio.create_task(_pump(reader, out))
                await _pump(back, writer)
                forth.cancel()
                await asyncio.gather(forth, return_exceptions=True)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in relays:
            task.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def test_behind_a_proxy_under_a_path(tmp_path: Path) -> None:
    """A browser's cookie finds its way back to the page alone, wherever a proxy has put it."""
    async with serving(page(HERE, with_passwords(tmp_path))) as behind, proxy("/bridge", behind) as port:
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({}))
        address = f"http://localhost:{port}"

        def ask(path: str, body: object = None) -> tuple[int, bytes]:
            fields = {"Content-Type": "application/json", "Origin": address}
            data = None if body is None else json.dumps(body).encode()
            # the address is a test's own
            asked = urllib.request.Request(f"{address}{path}", data, fields)  # noqa: S310
            try:
                with opener.open(asked, timeout=30) as answer:
                    return int(answer.status), answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    return int(error.code), error.read()

        async def asked(path: str, body: object = None) -> tuple[int, Any]:
            return await asyncio.to_thread(ask, path, body)

        assert (await asked("/bridge/"))[0] == 200
        assert (await asked("/bridge/api/session"))[0] == 401
        assert (await asked("/bridge/api/login", {"password": ALL}))[0] == 204
        assert (await asked("/bridge/api/session"))[0] == 200
        assert [(cookie.path, cookie.name) for cookie in jar] == [("/bridge/api", "sim7020_0")]
        assert (await asked("/bridge/api/logout", {}))[0] == 204
        assert len(jar) == 0


def test_the_page_names_nothing_by_an_absolute_path() -> None:
    """Files and requests are named from where the page is, so that any path before them will do."""
    for file in (*WWW.glob("*.html"), *WWW.glob("*.js"), *WWW.glob("*.css")):
        text = file.read_text(encoding="utf-8")
        for wrong in ('"/static', '"/api', "'/static", "'/api", "`/api", "`/static", "url(/", 'href="/', 'src="/'):
            assert wrong not in text, f"{file.name}: {wrong}"


async def test_the_supervisor_s_port(tmp_path: Path) -> None:
    """Whom the Supervisor sends has been let in; another's word that it is the Supervisor is worth nothing."""
    number = free_port()
    settings = HttpSettings(port=0, page=True, ingress=IngressSettings(port=number, supervisor="127.0.0.1"))
    passwords = with_passwords(tmp_path)
    async with serving(page(settings, passwords)) as port:
        path = {"X-Ingress-Path": "/api/hassio_ingress/token"}
        relayed = await send(number, request("GET", "/api/session", fields=path, host="homeassistant.local:8123"))
        assert (relayed.status, relayed.document()["role"], relayed.document()["password"]) == (200, "full", False)
        assert "frame-ancestors 'self'" in relayed.fields["content-security-policy"]
        assert relayed.fields["x-frame-options"] == "SAMEORIGIN"
        other = await send(number, request("GET", "/api/session", fields=path), source="127.0.0.2")
        assert other.status == 0
        assert (await send(port, request("GET", "/api/session", fields=path))).status == 401


async def test_another_page_by_way_of_the_supervisor(tmp_path: Path) -> None:
    """What a page elsewhere has the browser send is refused there, too."""
    number = free_port()
    settings = HttpSettings(port=0, page=True, ingress=IngressSettings(port=number, supervisor="127.0.0.1"))
    async with serving(page(settings, tmp_path / "none")):
        host = "home.example"
        for fields, status in (
            ({"Origin": "https://home.example"}, 204),
            ({"Origin": "https://home.example:8443", "Sec-Fetch-Site": "same-origin"}, 204),
            ({"Origin": "https://home.example:8443"}, 403),
            ({"Origin": "https://elsewhere.example"}, 403),
            ({"Origin": "https://home.example", "Sec-Fetch-Site": "cross-site"}, 403),
            ({"Origin": ""}, 403),
        ):
            answer = await send(number, request("POST", "/api/logout", {}, fields, host=host))
            assert answer.status == status, fields


async def test_where_there_is_no_supervisor(tmp_path: Path) -> None:
    """What is wrong is said by the key's name."""
    nowhere = IngressSettings(port=free_port(), supervisor="255.255.255.255")
    with pytest.raises(OSError, match=r"http\.ingress"):
        async with serving(page(HttpSettings(port=0, page=True, ingress=nowhere), tmp_path / "none")):
            pass
