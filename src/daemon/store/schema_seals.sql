-- Shows which rows that permit something this daemon wrote itself: for each a code made with the key beside
-- the database.

CREATE TABLE seals (
    kind TEXT NOT NULL,
    row TEXT NOT NULL,
    code BLOB NOT NULL,
    PRIMARY KEY (kind, row)
) STRICT, WITHOUT ROWID;
