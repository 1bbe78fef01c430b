-- Flags of messages that lie together and were changed alike, in one row: a change of the flags of a whole mailbox
-- writes a few rows, and not one for each message. Of a message and the run it lies in, the one with the higher
-- mod-sequence tells what its flags are.
CREATE TABLE flag_runs (
    -- The key of the first message, as in messages.
    id INTEGER PRIMARY KEY,
    -- The key of the last message, of the same mailbox. No two runs overlap.
    last INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    modseq INTEGER NOT NULL
) STRICT;

-- The messages with their flags as they are now.
CREATE VIEW current_messages AS
    SELECT s.id, s.blob, s.thread, s.size, s.date, s.zone, s.saved,
        iif(r.modseq > s.modseq, r.flags, s.flags) AS flags,
        iif(r.modseq > s.modseq, r.keywords, s.keywords) AS keywords,
        iif(r.modseq > s.modseq, r.modseq, s.modseq) AS modseq
    FROM messages s
    LEFT JOIN flag_runs r ON r.id = (SELECT max(id) FROM flag_runs WHERE id <= s.id) AND r.last >= s.id;
