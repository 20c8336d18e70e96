-- Messages that have no final receipt yet. Ages and expiries are seconds of the outbox's own time (see passing_time.py).
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
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

-- Ids of the last 24 hours, and the MQTT packets that brought them, to send nothing twice.
CREATE TABLE known (
    socket TEXT NOT NULL,
    id TEXT NOT NULL,
    taken REAL NOT NULL,
    packet INTEGER,
    digest BLOB,
    PRIMARY KEY (socket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_by_age ON known (taken);
CREATE INDEX known_by_packet ON known (packet) WHERE packet IS NOT NULL;

-- What the broker has not acknowledged yet: final receipts, and what came from the network.
CREATE TABLE owed (
    number INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    correlation_data BLOB
) STRICT;

-- Where the outbox's own time stood, on one row.
CREATE TABLE passing_time (
    elapsed REAL NOT NULL,
    boot TEXT NOT NULL,
    uptime REAL NOT NULL,
    wall REAL NOT NULL
) STRICT;

-- What a command line asked of a running bridge: messages to cancel.
CREATE TABLE cancellation (
    number INTEGER PRIMARY KEY
) STRICT;
