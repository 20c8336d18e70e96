-- Messages that have no final receipt yet. Ages and expiries are seconds of the outbox's own time (see passing_time.py).
-- Numbers are never used again, also when nothing waits: receipts and log lines of different messages never share one.
CREATE TABLE message (
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
    correlation_data BLOB,
    pool TEXT, -- that it was published to, whose receipts go there as well
    mark TEXT -- the key that seals it, and the number that it was sealed with first
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
CREATE TABLE publication (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
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

-- What was counted on each day (UTC): bytes, and what ways to bill need besides: packets, the bytes that the day's data sessions are
-- rounded up by, how many of these began. The operator's figure for the billing period that starts on a day gives the correction of the
-- bytes, and what of packets and rounding it has in it already.
CREATE TABLE usage (
    day TEXT PRIMARY KEY,
    up INTEGER NOT NULL,
    down INTEGER NOT NULL,
    correction INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    padding INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    packets_known INTEGER NOT NULL,
    padding_known INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest data session, on one row: its bytes on a day (UTC), whether it has begun, and its address.
CREATE TABLE data_session (
    day TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    address TEXT
) STRICT;

-- The last command that each socket's far end gave it, so that none is taken twice.
CREATE TABLE command (
    socket TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a socket with a pace sent, in seconds of the outbox's own time.
CREATE TABLE sent (
    socket TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX sent_by_socket ON sent (socket, at);

-- When a socket that sends only so often, or only changes, last sent a message with a key, in seconds of the outbox's own time,
-- and what of it is compared with the next, a JSON object.
CREATE TABLE last_sent (
    socket TEXT NOT NULL,
    key TEXT NOT NULL,
    at REAL NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (socket, key)
) STRICT, WITHOUT ROWID;
