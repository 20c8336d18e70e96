"""What the page's modules work out for themselves: histories, words for numbers, drawing in place."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.page.installation import installation_in
from tests.page.screen import Screen, window

DAY = 86_400


@pytest.fixture(scope="module")
async def screen(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Screen]:
    """Open the page of a bridge with one modem."""
    async with installation_in(tmp_path_factory.mktemp("logic")) as installation:
        module = await installation.module("shed")
        await installation.run({"shed": installation.settings(module)})
        async with window(browser, installation.url) as screen:
            await screen.open()
            yield screen


async def told(screen: Screen, module: str, body: str, *given: object) -> Any:
    """Run the body of a function that has the module's exports as ``m`` and what is given as ``given``."""
    script = f"async (given) => {{ const m = await import('./static/{module}.js'); {body} }}"
    return await screen.page.evaluate(script, list(given))


def history(rows: list[list[float | None]], **more: object) -> dict[str, object]:
    """Return a document of the API with a row of time, RSRP, online, up and down for each minute."""
    return {"columns": ["time", "rsrp", "online", "up", "down"], "rows": rows, "outages": [], "step": 60} | more


async def test_histories(screen: Screen) -> None:
    """A pause is a gap, readings are averaged, traffic is summed, and outages count within the span only."""
    rows: list[list[float | None]] = [[60, -90, 60, 10, 1], [120, -100, 30, 20, 2], [600, None, 0, 40, 4]]
    document = history(
        rows, outages=[{"from": 0, "to": 500, "layer": "sim"}, {"from": 560, "to": None, "layer": "pdn"}]
    )
    assert await told(screen, "history", "return new m.History(given[0]).time", document) == [60, 120, 180, 600]
    assert await told(screen, "history", "return new m.History(given[0]).values('rsrp')", document) == [
        -90,
        -100,
        None,
        None,
    ]
    figures = await told(screen, "history", "return new m.History(given[0]).figures('rsrp')", document)
    assert figures == {"least": -100, "greatest": -90, "mean": -95, "last": -100}
    assert await told(screen, "history", "return new m.History(given[0]).online(900)", document) == 0.5
    assert await told(screen, "history", "return new m.History(given[0]).outage(300, 600)", document) == 200 + 40
    sums = await told(screen, "history", "return new m.History(given[0]).buckets(300, ['up', 'down'])", document)
    assert sums == {"time": [0, 600], "up": [30, 40], "down": [3, 4]}
    table = await told(screen, "history", "return new m.History(given[0]).rows(300)", document)
    assert [(row["time"], row["rsrp"], row["up"]) for row in table] == [(600, None, 40), (0, -95, 30)]


async def test_an_interruption_counts_before_its_minute_is_over(screen: Screen) -> None:
    """What stands beside "1 interruption took 30 s" is never all of the time, nor is what is nearly all."""
    rows: list[list[float | None]] = [[60 * minute, -90, 60, 0, 0] for minute in range(1, 10)]
    ask = "return new m.History(given[0]).online(given[1])"
    assert await told(screen, "history", ask, history(rows), 630) == 1
    out = history(rows, outages=[{"from": 595, "to": 625, "layer": "sim"}])
    assert await told(screen, "history", ask, out, 630) == (540 + 30 - 25) / 570
    lasting = history(rows, outages=[{"from": 610, "to": None, "layer": "sim"}])
    assert await told(screen, "history", ask, lasting, 630) == (540 + 30 - 20) / 570
    assert await told(screen, "history", ask, lasting, 9999) == 1


async def test_a_forecast_needs_hours(screen: Screen) -> None:
    """How long a budget lasts is said from six recorded hours on; the bridge's pauses do not count."""

    def minutes(count: int) -> dict[str, object]:
        return history([[60 * minute, -90, 60, 8, 2] for minute in range(count)])

    ask = "return m.forecast(new m.History(given[0]), given[1])"
    assert await told(screen, "history", ask, minutes(359), 1000) is None
    pace = 10 * DAY / 60
    assert await told(screen, "history", ask, minutes(360), pace * 3) == {"day": pace, "recorded": 21_600, "days": 3}
    billed = "return m.forecast(new m.History(given[0]), given[1], 2)"
    assert (await told(screen, "history", billed, minutes(360), pace * 3))["days"] == 1.5
    assert (await told(screen, "history", ask, minutes(360), None))["days"] is None
    paused = history([[60 * minute + DAY * (minute > 100), -90, 60, 8, 2] for minute in range(360)])
    assert (await told(screen, "history", ask, paused, pace))["days"] == 1


@pytest.mark.parametrize(
    ("language", "call", "words"),
    [
        ("en", "m.number(-97.25, {maximumFractionDigits: 1})", "\N{MINUS SIGN}97.3"),
        ("en", "m.duration(0.412)", "0.41\xa0s"),
        ("en", "m.duration(3725)", "1\xa0h 2\xa0min"),
        ("de", "m.span(2 * 86400)", "2 Tagen"),
        ("de", "m.bytes(50144)", "50,1 kB"),
        ("zh-Hans", "m.duration(95)", "1分钟35秒"),
        ("en", "m.ago(Date.now() + 60000)", "now"),
        ("en", "m.percent(0.99996)", "99.99%"),
        ("en", "m.percent(0.994)", "99%"),
        ("en", "m.percent(1)", "100%"),
    ],
)
async def test_numbers_and_times_in_words(screen: Screen, language: str, call: str, words: str) -> None:
    """They are written as the language does; a clock that is ahead does not make what was into what will be."""
    assert await told(screen, "i18n", f"m.choose(given[0]); return {call}", language) == words


@pytest.mark.parametrize(
    ("signal", "key"),
    [
        ({"rsrp": -99, "rssi": -60}, "good"),
        ({"rsrp": -100, "rssi": -60}, "fair"),
        ({"rsrp": -121, "rssi": -60}, "hard"),
        ({"rsrp": None, "rssi": -77}, "good"),
        ({"rsrp": None, "rssi": -78}, "fair"),
        ({"rsrp": None, "rssi": -91}, "weak"),
        ({"rsrp": None, "rssi": -102}, "hard"),
        ({"rsrp": None, "rssi": None}, None),
    ],
)
async def test_a_signal_is_judged_by_what_is_known_of_it(screen: Screen, signal: object, key: str | None) -> None:
    """By RSRP, and without one by RSSI as in a decoded log; only a signal of which neither is known is not known."""
    assert await told(screen, "modems", "return m.verdict(given[0])?.key ?? null", signal) == key


async def test_how_long_the_oldest_message_waits_grows(screen: Screen) -> None:
    """It is counted from when the message began to wait: a state may be from long ago."""
    ask = """
      const n = await import("./static/now.js");
      const since = new Date(n.now() - given[1] * 1000).toISOString();
      return m.waiting({ state: { outbox: given[0] }, waiting: given[1] === null ? null : { since } });
    """
    outbox = {"messages": 2, "oldest": 326.1}
    assert (await told(screen, "modems", ask, outbox, 3725)).endswith("the oldest for 1\xa0h 2\xa0min")
    assert (await told(screen, "modems", ask, outbox, None)).endswith("the oldest for 5\xa0min 26\xa0s")
    assert await told(screen, "modems", ask, {"messages": 0, "oldest": None}, None) == "nothing waits"


@pytest.mark.parametrize(
    ("layer", "phase", "at", "fails"),
    [
        ("online", "backoff", 1, True),
        ("online", "backoff", 3, True),
        ("online", "opening", 3, True),
        ("online", "opening", 1, False),
        ("online", "open", 3, False),
        ("online", "closed", 3, False),
        ("online", "backoff", None, False),
        ("pdn", "backoff", 3, False),
        ("sleeping", "closed", 3, False),
    ],
)
async def test_when_a_socket_fails(screen: Screen, layer: str, phase: str, at: int | None, *, fails: bool) -> None:
    """While its last try failed and the link is up; an error from before the link was lost says nothing of the next."""
    state = {"link": {"layer": layer, "since": "2026-11-23T10:00:02Z"}}
    error = at and {"code": 3, "name": "connection_reset", "at": f"2026-11-23T10:00:0{at}Z"}
    ask = "return m.failing({ state: given[0], sockets: new Map([['data', given[1]]]) }).length"
    assert await told(screen, "modems", ask, state, {"phase": phase, "last_error": error}) == int(fails)


async def test_what_holds_a_message_back(screen: Screen) -> None:
    """The link before the budget, the budget before the socket; nothing is said where nothing is known."""
    ask = """
      const { texts } = await import("./static/i18n.js");
      await texts("messages");
      const [layer, left, phase] = given;
      const error = { code: 3, name: "connection_reset", at: "2026-11-23T10:00:03Z" };
      const sockets = new Map([["data", { phase, last_error: phase === "backoff" ? error : null }]]);
      const state = layer && { link: { layer, since: "2026-11-23T10:00:02Z" }, usage: { left } };
      return m.holding({ state, sockets }, { socket: "data", priority: "normal" });
    """
    assert await told(screen, "held", ask, None, None, "closed") is None
    assert "not online (No network)" in await told(screen, "held", ask, "registration", 0, "backoff")
    assert "asleep" in await told(screen, "held", ask, "sleeping", 0, "closed")
    assert "budget" in await told(screen, "held", ask, "online", 0, "backoff")
    assert "the other side reset the connection" in await told(screen, "held", ask, "online", 5, "backoff")
    assert "being opened" in await told(screen, "held", ask, "online", None, "opening")
    assert await told(screen, "held", ask, "online", None, "open") is None


async def test_json_is_laid_out_within_bounds(screen: Screen) -> None:
    """What would be a thousand times as long as it is, is no JSON to lay out; what people nest is."""
    ask = "return m.prettyJson(given[0])"
    assert await told(screen, "payload", ask, '{"a": [1, {}], "b": 1.50}') == (
        '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": 1.50\n}'
    )
    assert await told(screen, "payload", ask, "[" * 2048 + "]" * 2048) is None
    assert await told(screen, "payload", ask, "[" * 64 + "1," * 1900 + "1" + "]" * 64) is None


IN_PLACE = """
  const place = document.body.appendChild(document.createElement("div"));
  const row = (name) => m.h("li", { key: name, class: "row" }, m.h("input", { "aria-label": name }), name);
  m.show(place, row("one"), "text", row("two"), row("three"));
  const input = place.querySelector("[aria-label=two]");
  input.value = "typed";
  input.focus();
  m.show(place, m.h("p", null, "new"), row("three"), row("two"));
  return [place.textContent, document.activeElement === input && input.value, place.children.length];
"""


async def test_what_is_drawn_again_keeps_focus_and_text(screen: Screen) -> None:
    """A list that changes its order does not take the field away that somebody is typing into."""
    assert await told(screen, "dom", IN_PLACE) == ["newthreetwo", "typed", 3]


ANY_TREES = """
  let seed = given[0];
  const any = (most) => (seed = (seed * 1103515245 + 12345) % 2147483648) % most;
  const tree = (depth) => Array.from({ length: any(6) }, (_, n) => (any(3) ? {
    tag: ["p", "div", "span"][any(3)], hidden: any(2) === 0, class: ["a", "b", "a x"][any(3)],
    key: any(2) ? undefined : `key ${any(2) * 10 + n}`, children: depth ? tree(depth - 1) : [],
  } : `text ${any(5)}`));
  const made = (nodes) => nodes.map((node) => typeof node === "string" ? document.createTextNode(node)
    : m.h(node.tag, { class: node.class, key: node.key, hidden: node.hidden }, made(node.children)));
  const seen = (parent) => [...parent.childNodes].map((child) => child.nodeType === Node.TEXT_NODE ? child.data
    : `${child.nodeName} ${child.className} ${child.hidden} (${seen(child)})`).join();
  const place = document.createElement("div");
  const wrong = [];
  for (let turn = 0; turn < 3000; turn++) {
    const wanted = tree(2);
    m.show(place, made(wanted));
    const fresh = document.createElement("div");
    fresh.append(...made(wanted));
    if (seen(place) !== seen(fresh)) wrong.push([seen(place), seen(fresh)]);
  }
  return wrong.slice(0, 3);
"""


async def test_drawing_in_place_comes_to_the_same(screen: Screen) -> None:
    """Whatever was there before, what is shown is what was wanted."""
    assert await told(screen, "dom", ANY_TREES, 7) == []
