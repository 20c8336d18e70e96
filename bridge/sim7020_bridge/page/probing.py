"""A probe on the page: each layer as it is found, while it is found."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from importlib import import_module
from typing import Any, Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.commands.quoting import require_quotable
from sim7020_bridge.config import module_values, values
from sim7020_bridge.http.app import Call
from sim7020_bridge.http.reply import LINES, Refusal, Reply
from sim7020_bridge.kit.probe.finding import Check, Finding, Status, Wanted, document
from sim7020_bridge.modem.pin import PassingPinMemory
from sim7020_bridge.page.administration_routes import Handlers
from sim7020_bridge.page.form import checked
from sim7020_bridge.page.ports import Ports

log: Final = logging.getLogger(__name__)

HOST: Final = "example.com"
"""What is resolved and pinged unless the request says otherwise; costs about 1 kB."""

AGAIN: Final = 10.0
"""Seconds after which what is waited for is told again, so that nothing between takes the stream for dead."""

_PATIENCE: Final = module_values.seconds(1, 3600)


class Probing:
    """Probes ports, one at a time.

    Args:
        ports: Who has which.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._pins: defaultdict[str, PassingPinMemory] = defaultdict(PassingPinMemory)
        """By port, so that nobody who probes again gives a SIM the same wrong PIN: three of them lock it."""
        self.busy = False
        self.last: dict[str, object] | None = None
        """What came of the last one that came to its end, without identities."""

    async def climb(self, wanted: Wanted) -> AsyncIterator[bytes]:
        """Return lines of JSON that tell a probe as it goes; it begins with the first one, and ends if they are closed.

        Raises:
            Refusal: Another port is being probed, or somebody has this one.
        """
        if self.busy:
            raise Refusal(HTTPStatus.CONFLICT, "busy", "another port is being probed")
        async with self._ports.taken(wanted.port):
            return self._lines(replace(wanted, pins=self._pins[wanted.port]))

    async def _lines(self, wanted: Wanted) -> AsyncIterator[bytes]:
        if self.busy:
            yield _line({"done": True, "code": "busy", "message": "another port is being probed"})
            return
        self.busy = True
        try:
            async with self._ports.taken(wanted.port), aclosing(self._told(wanted)) as told:
                async for line in told:
                    yield line
        except Refusal as refusal:
            yield _line({"done": True, "code": refusal.code, "message": refusal.message})
        finally:
            self.busy = False

    async def _told(self, wanted: Wanted) -> AsyncGenerator[bytes]:
        clock = asyncio.get_running_loop().time
        began = clock()
        found: list[Finding] = []
        news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        waiting: dict[str, Any] = {}

        def tell(finding: Finding) -> None:
            found.append(finding)
            told = finding.document(show_identities=False)
            words = finding.summary if finding.advice is None else f"{finding.summary}. {finding.advice}"
            news.put_nowait({**told, "ok": finding.status is not Status.BROKEN, "words": words})

        def wait(layer: Check, what: str) -> None:
            waiting.update({"layer": layer.value, "waiting": what})
            news.put_nowait(dict(waiting))

        # what only this needs is not in memory before
        kit = await in_a_thread(partial(import_module, "sim7020_bridge.kit.probe.probe"))
        probe: asyncio.Task[bool] = asyncio.create_task(
            kit.Probe(wanted, on_finding=tell, waiting=wait).run(), name="probe"
        )
        probe.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while True:
                try:
                    async with asyncio.timeout(AGAIN):
                        told = await news.get()
                except TimeoutError:
                    told = dict(waiting)
                if told is None:
                    break
                yield _line({**told, "seconds": round(clock() - began, 1)})
            self.last = document(wanted, found, well=probe.result(), show_identities=False)
            yield _line({"done": True, "document": self.last})
        finally:
            probe.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await probe


def handlers(probing: Probing) -> Handlers:
    """Return what carries out ``api/probe``."""

    async def probe(call: Call) -> Reply:
        return Reply(await probing.climb(_wanted(call.document())), LINES)

    return {"/api/probe": probe}


def _wanted(given: Mapping[str, Any]) -> Wanted:
    """Read what the command line has as options."""
    readers: dict[str, Callable[[Any], Any]] = {
        "baudrate": values.baudrate,
        "apn": values.apn,
        "pin": module_values.pin,
        "timeout": _PATIENCE,
        "host": _host,
        "internet": module_values.flag,
    }
    read = {key: checked(given, key, readers[key]) for key in readers if given.get(key) not in (None, "")}
    host = read.pop("host", HOST)
    patience = {"patience": read.pop("timeout")} if "timeout" in read else {}
    host = host if read.pop("internet", True) else None
    return Wanted(checked(given, "port", values.serial_port), host=host, **read, **patience)


def _host(value: object) -> str:
    host = values.text(value)
    try:
        require_quotable(host, "it")
    except ValueError as error:
        raise values.WrongValue(str(error)) from error
    return host


def _line(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode(errors="replace") + b"\n"
