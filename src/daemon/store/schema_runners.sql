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

-- What people granted with approvals is sealed from now on, and looked through at each start.
CREATE INDEX approvals_that_grant ON approvals (key) WHERE updated_permissions IS NOT NULL;

CREATE INDEX runners_of_directory ON runners (directory);

CREATE TRIGGER runners_of_what_is_over AFTER UPDATE OF process ON sessions
WHEN new.process = 'gone' AND old.process <> 'gone'
BEGIN
    DELETE FROM runners WHERE directory = old.directory;
END;

-- How late it was when the last daemon started: the next one's clock does not go back behind that, nor behind the time
-- that has passed since in the same run of the system.
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot_id TEXT NOT NULL,
    -- Microseconds from the system's start; none where that is not told.
    since_boot INTEGER,
    time INTEGER NOT NULL
) STRICT;
