-- What ways to bill need to know of a day besides: packets, the bytes that its data sessions are rounded up by, how many of these
-- began, and what of packets and rounding the operator's figure for a billing period has in it already.
ALTER TABLE usage ADD COLUMN packets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN padding INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN packets_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN padding_known INTEGER NOT NULL DEFAULT 0;

-- The newest data session, on one row: its bytes on a day (UTC), whether it has begun, and its address.
CREATE TABLE data_session (
    day TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    address TEXT
) STRICT;
