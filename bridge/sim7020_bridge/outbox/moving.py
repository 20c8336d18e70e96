"""What waits in one outbox, moved into another: all of it in one transaction over both files, or nothing."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.database import Database, delete_spent_lists, failed
from sim7020_bridge.outbox.passing_time import PassingTime


def move(source: Database, target: Database, time: Callable[[], PassingTime] = PassingTime) -> Sequence[str]:
    """Move all that waits in one database to another; both are owned, and neither is open.

    Messages keep their ages, and stand in the order of their ages among those that are there already. Nothing is moved
    if some have ids that the target knows for the same sockets, for each would have two ends: these ids are returned.

    Raises:
        StorageFailed: Nothing was moved; a file that is damaged stays as it is.
    """
    source.open(replacing=False).close()  # sound, and of a form that is known; or else not a part of it is touched
    try:
        with closing(target.open(replacing=False)) as connection:
            connection.execute("ATTACH ? AS source", (str(source.file),))
            # only with rollback journals is a commit atomic over two files (SQLite, "ATTACH DATABASE"); whoever opens
            # one next has it write ahead again
            for file in ("main", "source"):
                (mode,) = connection.execute(f"PRAGMA {file}.journal_mode = DELETE").fetchone()
                if mode != "delete":
                    raise sqlite3.OperationalError("another program reads it")
                connection.execute(f"PRAGMA {file}.synchronous = FULL")
            delete_spent_lists(target.file)
            connection.execute("BEGIN IMMEDIATE")
            ours, theirs = time(), time()
            theirs.go_on(*records.clock(connection, "source"))
            mark, latest = records.clock(connection)
            ours.go_on(mark or theirs.mark(), latest)
            records.forget_old(connection, ours.now())
            if known := records.known_in_both(connection):
                return known
            records.take_over(connection, ours.now() - theirs.now())
            records.keep_time(connection, ours.mark())
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise failed(target.file, error) from error
    return ()
