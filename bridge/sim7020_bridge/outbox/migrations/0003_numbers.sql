-- Numbers go on where they were, also when nothing waits: receipts and log lines of different messages never share one.
CREATE TABLE message_counted (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    socket TEXT NOT NULL,
    id TEXT NOT NULL,
    priority INTEGER NOT NULL,
    key TEXT,
    data BLOB NOT NULL,
    at TEXT NOT NULL,
    ttl REAL,
    taken REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    stage INTEGER NOT NULL DEFAULT 0,
    reply_topic TEXT,
    correlation_data BLOB
) STRICT;
INSERT INTO message_counted SELECT * FROM message ORDER BY number;
DROP TABLE message;
ALTER TABLE message_counted RENAME TO message;

CREATE TABLE owed_counted (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    correlation_data BLOB
) STRICT;
INSERT INTO owed_counted SELECT * FROM owed ORDER BY number;
DROP TABLE owed;
ALTER TABLE owed_counted RENAME TO owed;

-- When a socket with a pace sent, in seconds of the outbox's own time.
CREATE TABLE sent (
    socket TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX sent_by_socket ON sent (socket, at);
