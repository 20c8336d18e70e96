-- When a socket that sends only so often, or only changes, last sent a message with a key, in seconds of the outbox's own time,
-- and what of it is compared with the next, a JSON object.
CREATE TABLE last_sent (
    socket TEXT NOT NULL,
    key TEXT NOT NULL,
    at REAL NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (socket, key)
) STRICT, WITHOUT ROWID;
