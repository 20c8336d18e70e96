"""``health``: whether a running bridge is healthy, for whatever restarts it if it isn't."""

import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.cli.exits import EXIT_FAILED, EXIT_NO_ANSWER, fail
from sim7020_bridge.cli.options import configuration, patience
from sim7020_bridge.config.load import load

DEFAULT_URL: Final = "http://127.0.0.1:7020/health"
MOST: Final = 1024 * 1024


@click.command()
@click.option("--url", help=f"Where to ask; without it, the configuration's or {DEFAULT_URL}.")
@configuration("Whose `http:` to ask.", required=False)
@patience(5)
def health(url: str | None, file: Path | None, within: float) -> None:
    """Ask a running bridge whether it is healthy; it needs `http:` in the configuration.

    A modem is healthy if its port is open, its module answers and its broker is connected.

    \b
    Exit status: 0 healthy, 1 not, 2 wrong configuration, 3 no answer.

    \b
    Example:   sim7020-bridge health --url http://127.0.0.1:7020/health
    """
    status, answer = _asked(url or _url(file), within)
    click.echo(answer.strip())
    sys.exit(0 if status == 200 else EXIT_FAILED)  # noqa: PLR2004 - HTTP's own number


def _url(file: Path | None) -> str:
    http = None if file is None else load(file).http
    if http is None:
        return DEFAULT_URL
    host = f"[{http.host}]" if ":" in http.host else http.host
    return f"http{'' if http.tls is None else 's'}://{host}:{http.port}/health"


def _asked(url: str, within: float) -> tuple[int, str]:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("it starts with http:// or https://", param_hint="--url")
    # no proxy: it is this machine, or one beside it
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https://"):
        handlers.append(urllib.request.HTTPSHandler(context=_anybodys()))
    opener = urllib.request.build_opener(*handlers)
    try:
        try:
            answer = opener.open(url, timeout=within)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read(MOST).decode(errors="replace")
            return int(answer.status or 0), _brief(body)
    except (OSError, ValueError) as error:
        fail(f"{url}: no answer: {getattr(error, 'reason', None) or error}", EXIT_NO_ANSWER)


def _anybodys() -> ssl.SSLContext:
    """Return what trusts any certificate: it is for the names that browsers use, and no secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _brief(body: str) -> str:
    """Return a line for each modem, or what came if it can't be read so."""
    try:
        modems = json.loads(body)["modems"]
        return "\n".join(
            f"{name}: {'healthy' if modem['healthy'] else 'not healthy'}, {modem['link']}"
            + (f" ({modem['reason']})" if modem["reason"] else "")
            + ("" if modem["broker_connected"] else ", no broker")
            for name, modem in modems.items()
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return body
