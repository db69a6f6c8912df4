-- When agents ran, by the clock that the starts of processes are told by, and which terminals a person has
-- confirmed that began meanwhile and have nobody to show for it.

CREATE TABLE agent_processes (
    boot_id TEXT NOT NULL,
    directory TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    PRIMARY KEY (boot_id, directory)
) STRICT, WITHOUT ROWID;

CREATE TABLE confirmed_terminals (
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    program TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    confirmed_at INTEGER NOT NULL,
    PRIMARY KEY (boot_id, pid, start_time)
) STRICT, WITHOUT ROWID;
