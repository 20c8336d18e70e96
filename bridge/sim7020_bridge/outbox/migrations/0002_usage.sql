-- Bytes by day (UTC), and what the operator counted differently in the billing period that starts on a day.
CREATE TABLE usage (
    day TEXT PRIMARY KEY,
    up INTEGER NOT NULL,
    down INTEGER NOT NULL,
    correction INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
