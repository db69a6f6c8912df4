-- Requests that were carried out, by the keys that their clients gave them: the same request sent again is not
-- carried out twice, whatever became of its answer.
CREATE TABLE idempotency_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    -- SHA-256 of what was asked for, and by whom.
    fingerprint BLOB NOT NULL,
    -- Microseconds since 1970.
    done_at INTEGER NOT NULL
) STRICT;
