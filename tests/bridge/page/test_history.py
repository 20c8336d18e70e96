"""A week in a file: rows, outages, spans, damage, clocks that jump."""

import asyncio
import logging
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.modem.state import Layer
from sim7020_bridge.page.history import COLUMNS, MOST_OUTAGES, MOST_ROWS, SPANS, History
from sim7020_bridge.page.messages import Messages
from sim7020_bridge.page.minutes import LAYERS, Minutes, Outage, Row

NOW = 1_796_040_000
"""A multiple of 900 seconds."""

ROW = Row(
    time=NOW,
    rssi=-71,
    rsrp=-90,
    rsrq=-11,
    sinr=5,
    ecl=0,
    online=60,
    layer=LAYERS.index(Layer.ONLINE),
    waiting=2,
    sent=1,
    received=2,
    failed=0,
    up=100,
    down=50,
    voltage=3.61,
)


def row(time: int, **more: Any) -> Row:
    """Return a row of a time, that is else as always."""
    values = {name: getattr(ROW, name) for name in COLUMNS}
    return Row(**{**values, "time": time, **more})


async def past(history: History, span: str = "hour", modem: str = "shed") -> list[dict[str, Any]]:
    """Return the rows of a span, until a minute after now, by column."""
    found = await history.read(modem, span, NOW + 60)
    return [dict(zip(COLUMNS, each, strict=True)) for each in found.rows]


def holds(directory: Path, text: bytes) -> bool:
    """Whether any file there has a text in it."""
    return any(text in file.read_bytes() for file in directory.iterdir())


async def test_rows_come_back(tmp_path: Path) -> None:
    """What was written is there, of each modem and after a restart; a modem that is gone is forgotten."""
    history = History(tmp_path / "h", ["shed", "roof"])
    await history.keep({"shed": ROW, "roof": row(NOW, rssi=None)}, {})
    await history.close()
    history = History(tmp_path / "h", ["shed"])
    assert await past(history) == [{name: getattr(ROW, name) for name in COLUMNS} | {"layer": "online"}]
    assert await past(history, modem="roof") == []
    await history.close()
    assert (tmp_path / "h").stat().st_mode & 0o777 == 0o600


async def test_longer_spans_are_summed_up(tmp_path: Path) -> None:
    """A row of a week stands for many minutes: means, worst, sums; and there are no more than 720."""
    history = History(tmp_path / "h", ["shed"])
    lost = LAYERS.index(Layer.REGISTRATION)
    await history.keep({"shed": row(NOW, rssi=-70, ecl=0)}, {})
    await history.keep({"shed": row(NOW + 60, rssi=-80, ecl=2, online=0, layer=lost, waiting=5)}, {})
    [summed] = await past(history, "week")
    assert (summed["time"], summed["rssi"], summed["ecl"], summed["online"]) == (NOW, -75, 2, 30)
    assert (summed["layer"], summed["waiting"], summed["sent"], summed["up"]) == ("registration", 5, 2, 200)
    for span, (length, step) in SPANS.items():
        assert length / step <= 720
        assert (await history.read("shed", span, NOW)).step == step
    await history.close()


async def test_outages(tmp_path: Path) -> None:
    """One that goes on is written each minute and has no end; where a run saw none, the last row is the end."""
    history = History(tmp_path / "h", ["shed"])
    first, second = Outage(NOW - 100, 4, NOW - 50), Outage(NOW + 10, 4)
    await history.keep({"shed": ROW}, {"shed": [first, second]})
    second.layer = 1
    await history.keep({"shed": row(NOW + 60)}, {"shed": [second]})
    told = [each.document() for each in (await history.read("shed", "hour", NOW + 120)).outages]
    assert told == [
        {"from": NOW - 100, "to": NOW - 50, "layer": "registration"},
        {"from": NOW + 10, "to": None, "layer": "at"},
    ]
    await history.close()
    history = History(tmp_path / "h", ["shed"])
    assert (await history.read("shed", "hour", NOW + 3600)).outages[-1].ended == NOW + 120
    assert (await history.read("shed", "hour", NOW + 9000)).outages == []
    await history.close()


async def test_the_file_is_bounded(tmp_path: Path) -> None:
    """However long it runs, and though the clock was years ahead once, or stands in 1970 at a start."""
    history = History(tmp_path / "h", ["shed"])
    with sqlite3.connect(tmp_path / "h") as connection:
        await past(history)
        many = [("shed", NOW - 60 * each, 0) for each in range(1, MOST_ROWS)] + [("shed", NOW + 10**8, 0)]
        connection.executemany("INSERT INTO minute (modem, time, layer) VALUES (?, ?, ?)", many)
        bands = [("shed", NOW - 60 * each, 0, NOW - 60 * each + 9) for each in range(MOST_OUTAGES)]
        connection.executemany("INSERT INTO outage (modem, began, layer, ended) VALUES (?, ?, ?, ?)", bands)
        connection.commit()
    connection.close()
    await history.keep({"shed": ROW}, {"shed": [Outage(NOW, 0)]})
    await history.keep({"shed": row(NOW + 60)}, {})
    with sqlite3.connect(tmp_path / "h") as connection:
        found = connection.execute("SELECT count(*), min(time), max(time) FROM minute").fetchone()
        assert found == (MOST_ROWS, NOW - 60 * (MOST_ROWS - 2), NOW + 60)
        assert connection.execute("SELECT count(*) FROM outage").fetchone() == (MOST_OUTAGES,)
    connection.close()
    await history.keep({"shed": row(60)}, {})
    assert len(await past(history)) == 60 - 1
    await history.close()


async def test_a_clock_that_goes_back(tmp_path: Path) -> None:
    """A minute that comes again replaces what it was before."""
    history = History(tmp_path / "h", ["shed"])
    for sent in (1, 7):
        await history.keep({"shed": row(NOW, sent=sent)}, {})
    assert [each["sent"] for each in await past(history)] == [7]
    await history.close()


@pytest.mark.parametrize("content", [b"no database " * 500, b"SQLite format 3\0" + bytes(4096)])
async def test_a_damaged_file(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is set aside, said once, and begun anew."""
    (tmp_path / "h").write_bytes(content)
    history = History(tmp_path / "h", ["shed"])
    await history.keep({"shed": ROW}, {})
    assert len(await past(history)) == 1
    await history.close()
    assert (tmp_path / "h.damaged").read_bytes() == content
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_file_of_another_release(tmp_path: Path) -> None:
    """It is set aside: the past is worth no migration."""
    with sqlite3.connect(tmp_path / "h") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    history = History(tmp_path / "h", ["shed"])
    await history.keep({"shed": ROW}, {})
    assert len(await past(history)) == 1
    await history.close()


async def test_a_file_that_can_t_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Everything goes on without, with one line in the log, and with it once it can be."""
    (tmp_path / "h").mkdir()
    history = History(tmp_path / "h", ["shed"])
    for _ in range(3):
        await history.keep({"shed": ROW}, {})
        assert await past(history) == []
    assert len(caplog.records) == 1
    (tmp_path / "h").rmdir()
    await history.keep({"shed": ROW}, {})
    assert len(await past(history)) == 1
    await history.close()


async def test_a_file_that_somebody_changed(tmp_path: Path) -> None:
    """What makes no sense is not shown, and the next minutes are written."""
    history = History(tmp_path / "h", ["shed"])
    await history.keep({"shed": ROW}, {})
    with sqlite3.connect(tmp_path / "h") as connection:
        connection.execute("UPDATE minute SET layer = 99")
    connection.close()
    assert await past(history) == []
    await history.keep({"shed": ROW}, {})
    assert len(await past(history)) == 1
    await history.close()


async def test_one_commit_a_minute(tmp_path: Path) -> None:
    """However many modems there are, a minute is one transaction."""
    history = History(tmp_path / "h", [f"m{number}" for number in range(30)])
    await past(history)
    counter = sqlite3.connect(tmp_path / "h")
    before = counter.execute("PRAGMA data_version").fetchone()[0]
    await history.keep({f"m{number}": ROW for number in range(30)}, {})
    after = counter.execute("PRAGMA data_version").fetchone()[0]
    assert after - before == 1
    counter.close()
    await history.close()


async def test_a_slow_disk_delays_nobody(tmp_path: Path) -> None:
    """While the file is locked the event loop goes on, and what is asked for comes without it."""
    history = History(tmp_path / "h", ["shed"])
    await past(history)
    other = sqlite3.connect(tmp_path / "h", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    keeping = history.keep({"shed": ROW}, {})
    await asyncio.sleep(0)
    assert not keeping.done()
    other.execute("ROLLBACK")
    other.close()
    await keeping
    await history.close()


class Hand:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.elapsed, self.wall = 0.0, float(NOW)
        self.minutes = Minutes(lambda: self.elapsed, lambda: self.wall)

    def wait(self, seconds: float, wall: float | None = None) -> None:
        """Let time pass; ``wall`` is what the clock on the wall makes of it."""
        self.elapsed += seconds
        self.wall += seconds if wall is None else wall

    def row(self, up: int = 0) -> Row:
        """End a minute."""
        return self.minutes.row(state(up))


def state(up: int) -> dict[str, Any]:
    """Return a modem's, which has sent so many bytes, and received twice as many."""
    nothing = dict.fromkeys(("rssi", "rsrp", "rsrq", "sinr", "ecl"))
    usage = {"total": {"up": up, "down": 2 * up}}
    return {"signal": nothing, "usage": usage, "outbox": {"messages": 3}, "power": {"voltage": None}}


def test_a_minute() -> None:
    """What happened in it is counted, and only what happened in it."""
    hand = Hand()
    hand.minutes.begin(state(up=1000))
    hand.minutes.stands_at(Layer.ONLINE)
    hand.wait(20)
    hand.minutes.stands_at(Layer.REGISTRATION)
    hand.wait(10)
    hand.minutes.stands_at(Layer.SLEEPING)
    hand.wait(30)
    hand.minutes.sent()
    hand.minutes.received()
    hand.minutes.failed()
    row = hand.row(up=1100)
    assert (row.time, row.online, LAYERS[row.layer]) == (NOW, 50, "port")
    assert (row.sent, row.received, row.failed, row.up, row.down, row.waiting) == (1, 1, 1, 100, 200, 3)
    hand.wait(60)
    row = hand.row(up=1100)
    assert (row.time, row.online, LAYERS[row.layer]) == (NOW + 60, 60, "sleeping")
    assert (row.sent, row.up) == (0, 0)


def test_outages_of_a_minute() -> None:
    """The start is one, until the modem is online; each has the layer where it stood longest, the lowest of several."""
    hand = Hand()
    hand.wait(5)
    hand.minutes.stands_at(Layer.AT)
    hand.wait(5)
    hand.minutes.stands_at(Layer.ONLINE)
    hand.wait(5)
    hand.minutes.stands_at(Layer.PDN)
    hand.minutes.stands_at(Layer.SIM)
    told = [outage.document() for outage in hand.minutes.outages]
    assert told == [{"from": NOW, "to": NOW + 10, "layer": "port"}, {"from": NOW + 15, "to": None, "layer": "sim"}]
    hand.minutes.forget_outages()
    assert len(hand.minutes.outages) == 1
    hand.minutes.stands_at(Layer.ONLINE)
    hand.minutes.forget_outages()
    assert hand.minutes.outages == []
    hand.minutes.stands_at(Layer.ONLINE)
    assert hand.minutes.outages == []


def test_what_an_outage_is_called_after() -> None:
    """It is where the modem stood longest: that its radio was off for a moment on the way says nothing of why."""
    hand = Hand()
    hand.minutes.stands_at(Layer.ONLINE)
    hand.minutes.stands_at(Layer.RADIO)
    hand.wait(5)
    hand.minutes.stands_at(Layer.PDN)
    [outage] = hand.minutes.outages
    assert LAYERS[outage.layer] == "radio"
    hand.wait(40)
    hand.row()
    assert LAYERS[outage.layer] == "pdn"
    hand.minutes.stands_at(Layer.RADIO)
    hand.wait(20)
    hand.minutes.stands_at(Layer.ONLINE)
    assert (LAYERS[outage.layer], outage.document()["to"]) == ("pdn", NOW + 65)


def test_a_minute_that_was_not_seen_whole() -> None:
    """What was online of it says nothing about a minute; the next one counts."""
    hand = Hand()
    hand.minutes.stands_at(Layer.ONLINE)
    hand.wait(17)
    assert hand.row().online is None
    hand.wait(60)
    assert hand.row().online == 60


def test_a_start_is_no_outage_of_no_length() -> None:
    """Nothing is written down where the modem is online at once; an outage that was gets its end, however short."""
    hand = Hand()
    hand.minutes.stands_at(Layer.AT)
    hand.wait(0.4)
    hand.minutes.stands_at(Layer.ONLINE)
    assert hand.minutes.outages == []
    hand.minutes.stands_at(Layer.PDN)
    hand.minutes.forget_outages()
    hand.wait(0.6)
    hand.minutes.stands_at(Layer.ONLINE)
    assert [outage.ended for outage in hand.minutes.outages] == [NOW + 1]


async def test_an_outage_of_no_length_is_forgotten(tmp_path: Path) -> None:
    """One that a run began and wrote nothing more of is none for the next."""
    history = History(tmp_path / "h", ["shed"])
    await history.keep({"shed": row(NOW - 60)}, {"shed": [Outage(NOW, 0), Outage(NOW - 50, 0, NOW - 20)]})
    await history.close()
    history = History(tmp_path / "h", ["shed"])
    assert [each.began for each in (await history.read("shed", "hour", NOW + 60)).outages] == [NOW - 50]
    await history.close()


@pytest.mark.parametrize("jump", [-7200, 7200, -(10**9)])
def test_a_clock_that_jumps(jump: float) -> None:
    """What is measured is not what the clock on the wall says, and no outage ends before it began."""
    hand = Hand()
    hand.minutes.stands_at(Layer.ONLINE)
    hand.wait(10)
    hand.minutes.stands_at(Layer.PDN)
    hand.wait(10, wall=jump)
    hand.minutes.stands_at(Layer.ONLINE)
    hand.wait(40)
    row = hand.row()
    assert row.online == 50
    last = hand.minutes.outages[-1]
    assert last.ended is not None
    assert last.ended >= last.began


@pytest.mark.parametrize("jump", [-7200.0, 56 * 365 * 86400.0])
def test_a_clock_that_is_set_during_an_outage(jump: float) -> None:
    """It took as long as it took, and began when it did by the clock that is right now."""
    hand = Hand()
    hand.minutes.stands_at(Layer.ONLINE)
    hand.minutes.stands_at(Layer.PDN)
    hand.wait(10)
    hand.wait(5, wall=jump)
    hand.row()
    assert [outage.began for outage in hand.minutes.outages] == [hand.wall - 15]
    hand.minutes.forget_outages()
    hand.wait(15)
    hand.minutes.stands_at(Layer.ONLINE)
    assert [(outage.began, outage.ended) for outage in hand.minutes.outages] == [(hand.wall - 30, hand.wall)]


async def test_an_outage_that_begins_at_another_time(tmp_path: Path) -> None:
    """What was written of it before the clock was set is gone."""
    history = History(tmp_path / "h", ["shed", "roof"])
    other = Outage(NOW - 7, 3)
    await history.keep({"shed": ROW, "roof": ROW}, {"shed": [Outage(5.0, 3)], "roof": [other]})
    await history.keep({"shed": ROW}, {"shed": [Outage(NOW - 30, 3, NOW)]})
    assert (await history.read("shed", "hour", NOW + 60)).outages == [Outage(NOW - 30, 3, NOW)]
    assert (await history.read("roof", "hour", NOW + 60)).outages == [other]
    await history.close()


async def test_a_disk_that_is_full(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was kept is shown meanwhile, and what comes once there is room is kept."""
    history = History(tmp_path / "h", ["shed"])
    await history.keep({"shed": ROW}, {})
    connection = history._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    minutes = 0
    while await history.keep({"shed": row(NOW + 60 * minutes)}, {}):
        minutes += 1
    assert len(await past(history)) > 0
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["database or disk is full"]
    connection.execute("PRAGMA max_page_count = 100000")
    assert await history.keep({"shed": ROW}, {})
    await history.close()


async def test_no_thread_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then there is no past, and the bridge goes on."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    history = History(tmp_path / "h", ["shed"])
    monkeypatch.undo()
    assert not await history.keep({"shed": ROW}, {})
    assert await past(history) == []
    assert await history.recall("shed") == ()
    await history.close()
    assert [record.getMessage() for record in caplog.records] == [
        "the page's history is not kept: can't start new thread"
    ]


def test_a_clock_that_is_corrected_bit_by_bit() -> None:
    """No minute is skipped, and none comes twice, though rows come a little before or after the full minute."""
    hand = Hand()
    times = []
    for late in (0, 0.4, -0.9, 0.6, -0.1):
        hand.wait(60, wall=60 + late)
        times.append(hand.row().time)
    assert times == [NOW + 60 * each for each in range(5)]


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_while_it_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, replaced: bool
) -> None:
    """It begins anew in its place, whatever is there by now, and nothing of the deleted one stays in the directory."""
    file = tmp_path / "h"
    history = History(file, ["shed"])
    messages = Messages("shed", lambda: datetime.fromtimestamp(NOW, UTC))
    messages.delivered("udp", b"nobody should find this", "t")
    assert await history.keep({"shed": ROW}, {}, {"shed": messages.changes()})
    assert holds(tmp_path, b"nobody should find")
    file.unlink()
    if replaced:
        (tmp_path / "other").write_bytes(b"")
        (tmp_path / "other").replace(file)
    messages.delivered("udp", b"a later one", "t")
    assert await history.keep({"shed": row(NOW + 60)}, {}, {"shed": messages.changes()})
    assert [each["time"] for each in await past(history)] == [NOW + 60]
    assert [record.data for record in await history.recall("shed")] == [b"a later one"]
    assert not holds(tmp_path, b"nobody should find")
    assert "was deleted or replaced while the bridge ran" in caplog.text
    await history.close()
