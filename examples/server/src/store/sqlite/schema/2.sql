-- The directory becomes records. Counters of mailboxes, threads, what was expunged, sharing, annotations, deliveries
-- that happen once, summaries apart from contents, the search index.

-- Documents of the directory, which the store does not read.
CREATE TABLE records (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- JSON
    value TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

INSERT INTO records (kind, name, version, value)
    SELECT 'domain', name, 1, json_object('name', name, 'enabled', json('true')) FROM domains;
INSERT INTO records (kind, name, version, value)
    SELECT 'account', local || '@' || domain, 1,
        json_object('id', id, 'address', local || '@' || domain, 'enabled', json('true'), 'quota', quota,
            'credential', json_object('hash', password, 'set', 0))
    FROM accounts;
INSERT INTO records (kind, name, version, value)
    SELECT 'directory', 'counters', 1, json_object('next_account', seq + 1, 'decoy_secret', '')
    FROM sqlite_sequence WHERE name = 'accounts';

-- What accounts keep. Who they are stands in the records.
CREATE TABLE new_accounts (
    id INTEGER PRIMARY KEY,
    octets INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    -- The lowest UIDVALIDITY that no mailbox of this account has had.
    uidvalidity_next INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO new_accounts (id, octets, messages, uidvalidity_next)
    SELECT id, used,
        (SELECT count(*) FROM messages s JOIN mailboxes m ON m.id = s.mailbox WHERE m.account = a.id),
        uidvalidity_next
    FROM accounts a;

-- Ids that accounts have had that are no more.
CREATE TABLE former_accounts (
    id INTEGER PRIMARY KEY
) STRICT;
INSERT INTO former_accounts (id)
    WITH RECURSIVE ids (id) AS (
        SELECT 1 WHERE EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'accounts' AND seq >= 1)
        UNION ALL
        SELECT id + 1 FROM ids WHERE id < (SELECT seq FROM sqlite_sequence WHERE name = 'accounts')
    )
    SELECT id FROM ids WHERE id NOT IN (SELECT id FROM accounts);

DROP TABLE accounts;
ALTER TABLE new_accounts RENAME TO accounts;
DROP TABLE domains;

-- What STATUS asks for is counted where messages come and go.
ALTER TABLE mailboxes ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailboxes ADD COLUMN deleted_octets INTEGER NOT NULL DEFAULT 0;
-- Above this mod-sequence it is known what was expunged, and so many rows say it.
ALTER TABLE mailboxes ADD COLUMN expunged_from INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailboxes ADD COLUMN expunged_rows INTEGER NOT NULL DEFAULT 0;
UPDATE mailboxes SET
    messages = (SELECT count(*) FROM messages s WHERE s.mailbox = mailboxes.id),
    octets = (SELECT coalesce(sum(size), 0) FROM messages s WHERE s.mailbox = mailboxes.id),
    unseen = (SELECT count(*) FROM messages s WHERE s.mailbox = mailboxes.id AND s.flags & 8 = 0),
    deleted = (SELECT count(*) FROM messages s WHERE s.mailbox = mailboxes.id AND s.flags & 4 != 0),
    deleted_octets =
        (SELECT coalesce(sum(size), 0) FROM messages s WHERE s.mailbox = mailboxes.id AND s.flags & 4 != 0),
    expunged_from = modseq;

-- Messages of a mailbox lie together and in order: the key is (mailbox << 32) + uid.
CREATE TABLE new_messages (
    id INTEGER PRIMARY KEY,
    blob INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;
INSERT INTO new_messages (id, blob, thread, size, date, zone, saved, flags, keywords, modseq)
    SELECT (mailbox << 32) + uid, blob, blob, size, date, zone, date, flags, keywords, modseq FROM messages;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;
CREATE INDEX messages_by_blob ON messages (blob);

-- What was expunged (RFC 7162), as far back as expunged_from of the mailbox.
CREATE TABLE expunged (
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, uid)
) STRICT, WITHOUT ROWID;

-- Expunged messages that can be had back. They keep their reference to the content.
CREATE TABLE deleted (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    -- When it was expunged, in seconds since 1970.
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX deleted_by_account ON deleted (account);
CREATE INDEX deleted_by_time ON deleted (at);

-- The octets of contents in pieces: the key is (blob << 20) + part.
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
INSERT INTO contents (id, data) SELECT (blob << 20) + part, data FROM chunks ORDER BY blob, part;
DROP TABLE chunks;

-- Apart from the contents, so that a listing reads few pages. The form of schema 1 is no longer understood.
CREATE TABLE summaries (
    blob INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
ALTER TABLE blobs DROP COLUMN summary;
-- Hashes of the ids by which the message belongs to a conversation, of eight octets each.
ALTER TABLE blobs ADD COLUMN ids BLOB;

-- Which conversation of an account an id (its hash) belongs to.
CREATE TABLE threads (
    account INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    thread INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- Deliveries that must not happen twice.
CREATE TABLE deliveries (
    account INTEGER NOT NULL,
    key TEXT NOT NULL,
    mailbox INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_time ON deliveries (at);

CREATE TABLE grants (
    mailbox INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    -- Letters of RFC 4314.
    rights TEXT NOT NULL,
    PRIMARY KEY (mailbox, identifier)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_identifier ON grants (identifier);

-- Mailbox 0 is the account itself. A shared entry of a mailbox is its owner's.
CREATE TABLE annotations (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    entry TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (account, mailbox, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX annotations_by_mailbox ON annotations (mailbox);

-- Trigrams of the mapped text of contents, up to the blob `indexed`. Contents with more text than is indexed stand
-- in search_unknown: they may have anything.
CREATE VIRTUAL TABLE search USING fts5 (
    text, content = '', contentless_delete = 1, detail = 'none',
    tokenize = 'trigram case_sensitive 1'
);
CREATE TABLE search_unknown (
    blob INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE search_state (
    indexed INTEGER NOT NULL
) STRICT;
INSERT INTO search_state (indexed) VALUES (0);
