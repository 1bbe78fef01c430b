-- How long contents are on lines that all end with CR LF, where they are longer so.
CREATE TABLE line_sizes (
    blob INTEGER PRIMARY KEY,
    octets INTEGER NOT NULL
) STRICT;
-- Contents that were there before are measured later: those above `measured` up to `last`. No row when none is left.
CREATE TABLE line_sizes_state (
    measured INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
INSERT INTO line_sizes_state (measured, last) SELECT 0, max(id) FROM blobs WHERE true HAVING max(id) IS NOT NULL;
