-- Accounts, mailboxes, messages, contents. Released: never changed.

CREATE TABLE domains (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    local TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domains (name),
    password TEXT NOT NULL,
    quota INTEGER CHECK (quota > 0),
    used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
    -- The lowest UIDVALIDITY that no mailbox of this account has had.
    uidvalidity_next INTEGER NOT NULL DEFAULT 1,
    UNIQUE (domain, local)
) STRICT;

CREATE TABLE mailboxes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    -- UIDs from here on have not been announced to any session as recent.
    recent_from INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL DEFAULT 1,
    special_use TEXT,
    UNIQUE (account, name),
    UNIQUE (account, uidvalidity)
) STRICT;

-- By name: a subscription outlives its mailbox.
CREATE TABLE subscriptions (
    account INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE keywords (
    mailbox INTEGER NOT NULL REFERENCES mailboxes (id),
    keyword TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (mailbox, keyword)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    refs INTEGER NOT NULL CHECK (refs >= 0),
    summary BLOB
) STRICT;

CREATE TABLE chunks (
    blob INTEGER NOT NULL REFERENCES blobs (id),
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (blob, part)
) STRICT;

CREATE TABLE messages (
    mailbox INTEGER NOT NULL REFERENCES mailboxes (id),
    uid INTEGER NOT NULL,
    blob INTEGER NOT NULL REFERENCES blobs (id),
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_blob ON messages (blob);
CREATE INDEX blobs_without_refs ON blobs (id) WHERE refs = 0;
