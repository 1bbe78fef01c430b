-- Contents that are in a file of their own, and not in contents.
CREATE TABLE files (
    blob INTEGER PRIMARY KEY,
    -- In the directory of such files; no two contents have the same.
    name TEXT NOT NULL
) STRICT;
