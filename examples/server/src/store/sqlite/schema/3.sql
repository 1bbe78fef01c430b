-- What is expunged is counted, so that it can be bounded.

ALTER TABLE accounts ADD COLUMN deleted_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN deleted_octets INTEGER NOT NULL DEFAULT 0;
UPDATE accounts SET (deleted_messages, deleted_octets) =
    (SELECT count(*), coalesce(sum(size), 0) FROM deleted d WHERE d.account = accounts.id);
