"""What a browser holds against a page is noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from tests.page.screen import PHONE, window
from tests.ports import free_port

HEAD = "<!doctype html><html lang=en><title>A page</title><main><h1>A page</h1>"


@asynccontextmanager
async def served(body: str, *headers: str) -> AsyncIterator[str]:
    """Serve a page at every path, and return the address of its root."""
    document = f"{HEAD}{body}</main>".encode()
    more = "".join(f"{header}\r\n" for header in headers)
    about = f"Content-Type: text/html\r\nContent-Length: {len(document)}\r\nConnection: close\r\n{more}"
    answer = f"HTTP/1.1 200 OK\r\n{about}\r\n".encode() + document

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answers, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}/"


async def look_at(browser: Browser, body: str, header: str = "X: y", *, right: str = "nothing") -> None:
    """Open a page and close it once nothing is fetched any more."""
    async with served(body, header) as url, window(browser, url) as screen:
        screen.right(right)
        await screen.open()
        await screen.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    ("body", "header", "told"),
    [
        ("<script>console.error('broken')</script>", "X: y", "console error: broken"),
        ("<script>undefined.field</script>", "X: y", "error: Cannot read"),
        ("<script>alert('in')</script>", "X: y", "dialog: in"),
        ("<script>fetch('/', {mode: 'no-cors'})</script>", "Content-Security-Policy: default-src 'self'", "violates"),
        ("<img alt='' src='http://127.0.0.2:9/x.png'>", "X: y", "somebody else: http://127.0.0.2:9/x.png"),
    ],
)
async def test_what_a_browser_complains_of_is_a_fault(browser: Browser, body: str, header: str, told: str) -> None:
    """Errors, dialogs, reports of the Content-Security-Policy and requests to other hosts fail whoever sees them."""
    with pytest.raises(AssertionError, match=told):
        await look_at(browser, body, header)


async def test_a_complaint_that_belongs_to_a_test_is_none(browser: Browser) -> None:
    """Only that one is taken for right."""
    body = "<script>console.error('one'); console.error('two')</script>"
    with pytest.raises(AssertionError, match=r"^console error: two \([^\n]*$"):
        await look_at(browser, body, right="one")
    await look_at(browser, body, right="one|two")


async def test_what_is_hard_to_use_is_found(browser: Browser) -> None:
    """A field without a name and pale words are axe-core's to tell, in shadow roots as well."""
    bad = (
        "<div id=host></div><p style='color:#ccc;background:#fff'>pale</p>"
        "<script>host.attachShadow({mode: 'open'}).innerHTML = '<input>'</script>"
    )
    async with served(bad) as url, window(browser, url) as screen:
        await screen.open()
        assert {violation.partition(":")[0] for violation in await screen.violations()} == {"color-contrast", "label"}
    async with served("<p>All is well.</p>") as url, window(browser, url) as screen:
        await screen.open()
        assert await screen.violations() == []


@pytest.mark.parametrize(
    ("body", "wide"),
    [
        ("<p>short</p>", False),
        ("<pre>" + "long " * 40 + "</pre>", True),
        ("<pre style='overflow-x:auto'>" + "long " * 40 + "</pre>", False),
        ("<div style='width:90px'><p>" + "long" * 9 + "</p></div>", True),
        ("<div style='width:90px'><p style='overflow-wrap:anywhere'>" + "long" * 9 + "</p></div>", False),
    ],
)
async def test_what_a_phone_would_have_to_scroll_is_found(browser: Browser, body: str, *, wide: bool) -> None:
    """Unless it has a bar of its own."""
    about = "<meta name=viewport content='width=device-width'>"
    async with served(f"{about}{body}") as url, window(browser, url, size=PHONE) as screen:
        await screen.open()
        assert bool(await screen.too_wide()) is wide
