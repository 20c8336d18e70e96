"""What the page shows, as it is asked for: events, messages, history, link, log, AT dialogue; and requests."""

from http import HTTPStatus
from typing import Final

from sim7020_bridge.clock import wall_clock
from sim7020_bridge.config.model import LogLevel
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.reply import EVENTS, PLAIN, Refusal, Reply, attachment, named
from sim7020_bridge.http.role import Role
from sim7020_bridge.page.history import SPANS
from sim7020_bridge.page.live import Live
from sim7020_bridge.page.messages import Record
from sim7020_bridge.page.pieces import in_json, in_pieces
from sim7020_bridge.page.shown import Shown

MOST_LISTED: Final = 100
"""Messages in one answer."""

_LONGEST_NUMBER: Final = 15


def routes(app: App, live: Live) -> None:
    """Add all of them."""
    _of_all(app, live)
    _of_messages(app, live)
    _of_a_modem(app, live)


def _of_all(app: App, live: Live) -> None:
    @app.get("/api/events", role=Role.READ_ONLY)
    async def events(call: Call) -> Reply:
        last = call.head.fields.get("last-event-id") or call.arguments.get("last")
        also = call.arguments.get("with", "").split(",")
        return Reply(live.feed.follow(last, also), EVENTS)

    @app.get("/api/log", role=Role.READ_ONLY)
    async def log(call: Call) -> Reply:
        level = call.arguments.get("level", "")
        if level and level not in list(LogLevel):
            raise _invalid(f"level is one of {', '.join(LogLevel)}")
        async with live.one_answer:
            lines = live.log.find(call.arguments.get("modem", ""), level)
            return Reply(await in_pieces("lines", (line.document() for line in lines)))


def _of_messages(app: App, live: Live) -> None:
    @app.get("/api/modems/<name>/messages", role=Role.READ_ONLY)
    async def messages(call: Call, name: str) -> Reply:
        shown, arguments = _modem(live, name), call.arguments
        await live.recalled.wait()
        limit = min(_number(call, "limit", MOST_LISTED) or MOST_LISTED, MOST_LISTED)
        found = shown.messages.find(
            socket=arguments.get("socket", ""),
            states=frozenset(filter(None, arguments.get("state", "").split(","))),
            text=arguments.get("text", ""),
            before=_number(call, "before", None),
        )
        listed: list[Record] = []
        more = False
        async with live.one_answer:
            async for record in found:
                more = len(listed) == limit
                if more:
                    break
                listed.append(record)
            return Reply(await in_pieces("messages", map(shown.messages.document, listed), more=more))

    @app.get("/api/modems/<name>/messages/<number>", role=Role.READ_ONLY)
    async def message(_call: Call, name: str, number: str) -> Reply:
        shown = _modem(live, name)
        await live.recalled.wait()
        record = shown.messages.get(int(number)) if _is_number(number) else None
        if record is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "unknown_message", "this message is not kept, or not any more")
        return Reply(in_json(shown.messages.document(record, whole=True)))

    @app.post("/api/modems/<name>/request/<verb>", role=Role.FULL)
    async def request(call: Call, name: str, verb: str) -> Reply:
        return Reply(await _modem(live, name).bridge.ask(verb, call.body))


def _of_a_modem(app: App, live: Live) -> None:
    @app.get("/api/modems/<name>/history", role=Role.READ_ONLY)
    async def history(call: Call, name: str) -> Reply:
        span = call.arguments.get("span", "hour")
        if span not in SPANS:
            raise _invalid(f"span is one of {', '.join(SPANS)}")
        return Reply(await live.history(_modem(live, name).name, span))

    @app.get("/api/modems/<name>/link", role=Role.READ_ONLY)
    async def link(_call: Call, name: str) -> Reply:
        return Reply(in_json(_modem(live, name).bring_up.document()))

    @app.get("/api/modems/<name>/at", role=Role.READ_ONLY)
    async def at(_call: Call, name: str) -> Reply:
        shown = _modem(live, name)
        async with live.one_answer:
            return Reply(await in_pieces("lines", await shown.dialogue.documents()))

    @app.get("/api/modems/<name>/recording", role=Role.FULL)
    async def recording(_call: Call, name: str) -> Reply:
        shown = _modem(live, name)
        async with live.one_answer:
            recording = await shown.dialogue.recording(shown.name)
        return attachment(recording, PLAIN, f"{named(shown.name, wall_clock())}.at")


def _modem(live: Live, name: str) -> Shown:
    if name not in live.modems:
        raise Refusal(HTTPStatus.NOT_FOUND, "unknown_modem", "there is no modem of that name")
    return live.modems[name]


def _number(call: Call, name: str, otherwise: int | None) -> int | None:
    text = call.arguments.get(name, "")
    if not text:
        return otherwise
    if not _is_number(text):
        raise _invalid(f"{name} is a whole number")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER


def _invalid(words: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "invalid_request", words)
