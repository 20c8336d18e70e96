-- The pool that a message was published to, whose receipts go there as well.
ALTER TABLE message ADD COLUMN pool TEXT;
