"""Who looks at the page: log in, log out, and what the browser may show."""

import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

from sim7020_bridge import VERSION
from sim7020_bridge.clock import rfc3339, wall_clock
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.reply import Refusal, Reply, done, in_json
from sim7020_bridge.http.role import Role


class About(NamedTuple):
    """What the page is of.

    Args:
        modems: The names of all modems.
        base_topic: What all topics start with.
        setup: There is no configuration yet.
    """

    modems: Sequence[str]
    base_topic: str
    setup: bool = False


def routes(app: App, *, about: Callable[[], About]) -> None:
    """Add ``api/session``, ``api/login`` and ``api/logout``; ``about`` is called for each request."""
    cookie = app.cookie

    @app.get("/api/session", role=Role.READ_ONLY)
    async def session(call: Call) -> Reply:
        now = about()
        return in_json(
            {
                "role": call.caller.role.name.lower(),
                "password": call.caller.password,
                "version": VERSION,
                "setup": now.setup,
                "modems": list(now.modems),
                "base_topic": now.base_topic,
                "host": socket.gethostname(),
                "time": rfc3339(wall_clock()),
            }
        )

    @app.post("/api/login", role=Role.ANYONE)
    async def login(call: Call) -> Reply:
        password = call.document().get("password")
        if not isinstance(password, str):
            raise Refusal(HTTPStatus.BAD_REQUEST, "no_password_given", "the body has a password, as a text")
        token = await app.access.log_in(password, call.peer)
        app.access.log_out(call.cookies.get(cookie))
        return done(Set_Cookie=_cookie(call, cookie, token))

    @app.post("/api/logout", role=Role.ANYONE)
    async def logout(call: Call) -> Reply:
        app.access.log_out(call.cookies.get(cookie))
        return done(Set_Cookie=f"{_cookie(call, cookie, '')}; Max-Age=0")


def _cookie(call: Call, name: str, value: str) -> str:
    """Return a cookie that the browser keeps for ``api/``, wherever a proxy has put that: it has no path of its own."""
    return f"{name}={value}; HttpOnly; SameSite=Strict{'; Secure' if call.encrypted else ''}"
