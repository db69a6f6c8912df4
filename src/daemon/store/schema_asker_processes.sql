-- Processes that wait for an answer and are the only ones that do: when one has ended, so has its
-- request. A process is named by its id and its start, which no later one has both of.
CREATE TABLE asker_processes (
    approval_key INTEGER PRIMARY KEY REFERENCES approvals (key) ON DELETE CASCADE,
    pid INTEGER NOT NULL,
    start_time INTEGER NOT NULL
) STRICT;
