"""Alerts about delivery: each holds as long as what a person can mend."""

import errno
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sim7020_bridge.config.model import DataBudgetSettings
from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.outbox.database import failed
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.reserve import Full
from sim7020_bridge.reports.delivery_alerts import delivery_alerts

FILE = Path("/state/shed.outbox")


def found(
    *, full: bool = False, problem: StorageFailed | None = None, set_aside: str | None = None, used: int = 0
) -> dict[Any, Any]:
    """Return the alerts for an outbox and a usage like that."""
    outbox = cast(Outbox, SimpleNamespace(queue=SimpleNamespace(full=full), problem=problem, set_aside=set_aside))
    usage = Usage(DataBudgetSettings(100), changed=lambda *_: None)
    usage.count(up=used)
    return dict(delivery_alerts(outbox, usage))


@pytest.mark.parametrize(
    ("given", "alert", "words"),
    [
        ({"full": True}, AlertId.OUTBOX_FULL, "full"),
        ({"problem": failed(FILE, Full())}, AlertId.OUTBOX_STORAGE, "disk is full"),
        ({"set_aside": "shed.damaged-1"}, AlertId.OUTBOX_DAMAGED, "shed.damaged-1"),
        ({"used": 80}, AlertId.DATA_BUDGET, "80 %"),
        ({"used": 100}, AlertId.DATA_BUDGET, "used up"),
    ],
)
def test_each_alert(given: dict[str, Any], alert: AlertId, words: str) -> None:
    """Each alert says what is wrong and what to do, alone."""
    [(name, one)] = found(**given).items()
    assert name is alert
    assert words in one.message
    assert one.advice.endswith(".")


def _sqlite(code: int, words: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Make room on the disk; "),
        (_sqlite(sqlite3.SQLITE_FULL, "database or disk is full"), "Make room on the disk; "),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "Make state_dir (/state), and what is in it, writable for",
        ),
        (
            _sqlite(sqlite3.SQLITE_READONLY, "attempt to write"),
            "Make state_dir (/state), and what is in it, writable for",
        ),
        (OSError(errno.ENOLCK, "No locks available"), "file system that can lock files"),
        (_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE, "disk I/O error"), "Make room on the disk"),
        (_sqlite(sqlite3.SQLITE_IOERR_READ, "disk I/O error"), "Check the disk or SD card"),
        (OSError(errno.EIO, "Input/output error"), "Check the disk or SD card"),
        (RuntimeError("whatever"), "Check the disk or SD card"),
    ],
    ids=str,
)
def test_advice_by_the_trouble(error: Exception, advice: str) -> None:
    """Room on the disk mends nothing that a lock or an owner is the matter of."""
    assert advice in found(problem=failed(FILE, error))[AlertId.OUTBOX_STORAGE].advice


def test_whose_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another user in a directory of ours is told with its owner."""
    file = tmp_path / "shed.outbox"
    file.touch()
    owner = file.owner()
    assert "belongs" not in str(failed(file, PermissionError(errno.EACCES, "Permission denied")))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    words = str(failed(file, PermissionError(errno.EACCES, "Permission denied")))
    assert words == f"{file} can't be used: Permission denied: it belongs to {owner}"
    refused = _sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open database file")
    assert "belongs" not in str(failed(file, refused))  # something else keeps us from it
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert str(failed(file, refused)) == f"{file} can't be used: unable to open database file: it belongs to {owner}"


def test_a_full_disk_of_which_sqlite_has_no_word() -> None:
    """Without room for the index of its log SQLite says the same as of a broken disk."""
    words = str(failed(FILE, _sqlite(sqlite3.SQLITE_IOERR_SHMSIZE, "disk I/O error")))
    assert words == f"{FILE} can't be used: disk I/O error: the disk is full"


def test_no_alert() -> None:
    """Nothing is wrong, and nothing is said; a bridge that does not start because of another says so elsewhere."""
    assert found(used=79) == {}
    assert found(problem=OutboxInUse(FILE, 7)) == {}
