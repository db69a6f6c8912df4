-- Who calls: places where a person's programs run that were not started in a terminal, and programs
-- that ask, which are agents as long as they live.

CREATE TABLE places (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    -- A unit's control group.
    name TEXT,
    -- A run of the system, and within it a process by number and start time.
    boot_id TEXT,
    pid INTEGER,
    start_time INTEGER,
    program TEXT NOT NULL,
    added_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE asking_programs (
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    PRIMARY KEY (boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;

-- Until the first start with this version is complete.
INSERT INTO counters (name, value) VALUES ('first_start', 1);
