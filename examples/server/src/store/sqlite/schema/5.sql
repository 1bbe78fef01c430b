-- Of contents above `written` the ids may not stand in threads yet: what those rows are to be follows from the ids of
-- the content and the messages that have it.
CREATE TABLE threads_state (
    written INTEGER NOT NULL
) STRICT;
INSERT INTO threads_state (written) SELECT coalesce(max(id), 0) FROM blobs;

-- Parts of the index are merged when there are eight of a size, not four: a sixth less work for a content.
INSERT INTO search (search, rank) VALUES ('automerge', 8);
