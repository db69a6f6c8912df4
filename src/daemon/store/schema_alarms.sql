-- What must not have happened and has, until a person has acknowledged it, and for the record after that.

CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    session_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- The run of the system in which it happened, and when the session's process started in it.
    boot_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT
) STRICT;

CREATE INDEX alarms_open ON alarms (id) WHERE acknowledged_at IS NULL;
