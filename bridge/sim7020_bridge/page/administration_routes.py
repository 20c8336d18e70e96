"""The routes of what is done to the bridge itself; what carries them out is in memory once somebody asked for it."""

from collections.abc import Awaitable, Callable, Container, Mapping
from functools import partial
from importlib import import_module
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.load import MAX_SIZE
from sim7020_bridge.http.app import App, Call, Handler
from sim7020_bridge.http.reply import Reply
from sim7020_bridge.http.role import Role

Handlers = Mapping[str, Handler]
"""What carries out a request, by the route's path."""

_FORM: Final = 4096
_TEXT: Final = 2 * MAX_SIZE
"""Bytes of a request with a configuration: in JSON it is longer than it is."""

_GET: Final = ("/api/configuration", "/api/ports", "/api/diagnostics")
_POST: Final = {
    "/api/configuration/check": _TEXT,
    "/api/configuration/apply": _TEXT,
    "/api/configuration/secret": 4 * _FORM,
    "/api/ports/ask": _FORM,
    "/api/probe": _FORM,
    "/api/try-broker": 4 * _FORM,
}
"""How many bytes a body has at most."""

PATHS: Final = frozenset({*_GET, *_POST})


class Deferred:
    """What carries out the routes of a bridge that runs, made for the first request.

    Args:
        make: Returns it; called once, with the module ``administration`` loaded.
    """

    def __init__(self, make: Callable[[], Handlers]) -> None:
        self._make = make
        self._made: Handlers | None = None

    async def __call__(self) -> Handlers:
        """Return it."""
        if self._made is None:
            await in_a_thread(partial(import_module, "sim7020_bridge.page.administration"))
        if self._made is None:  # another request was not first
            self._made = self._make()
        return self._made


def routes(app: App, handlers: Callable[[], Awaitable[Handlers]]) -> None:
    """Add all of them, for the full role alone; ``handlers`` is awaited for each request."""
    _add(app, handlers, PATHS)


def made_routes(app: App, handlers: Handlers) -> None:
    """Add those of handlers that there are already."""

    async def made() -> Handlers:
        return handlers

    _add(app, made, handlers)


def _add(app: App, handlers: Callable[[], Awaitable[Handlers]], paths: Container[str]) -> None:
    def at(path: str) -> Handler:
        async def carry_out(call: Call) -> Reply:
            return await (await handlers())[path](call)

        return carry_out

    for path in filter(paths.__contains__, _GET):
        app.get(path, role=Role.FULL)(at(path))
    for path in filter(paths.__contains__, _POST):
        app.post(path, role=Role.FULL, longest=_POST[path])(at(path))
