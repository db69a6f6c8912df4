-- The runners of processes that are not over, each with the public key by which what it says is known as its own.
-- A process of an earlier release has none.

CREATE TABLE runners (
    public_key BLOB NOT NULL PRIMARY KEY,
    directory TEXT NOT NULL,
    session_id TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX runners_of_directory ON runners (directory);

CREATE TRIGGER runners_of_what_is_over AFTER UPDATE OF process ON sessions
WHEN new.process = 'gone' AND old.process <> 'gone'
BEGIN
    DELETE FROM runners WHERE directory = old.directory;
END;
