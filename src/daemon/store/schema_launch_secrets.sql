-- What a session was launched with and nobody else may read, encrypted (see `daemon::secrets`). In a
-- table of its own, because a session's row is written again with each line of its agent.

CREATE TABLE launch_secrets (
    session_key INTEGER PRIMARY KEY REFERENCES sessions (key) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT;

-- Until now they were kept in clear in the configuration. Both functions are the migration's own.
INSERT INTO launch_secrets (session_key, sealed)
    SELECT key, sealed FROM (SELECT key, sealed_launch_secrets(id, config) AS sealed FROM sessions)
    WHERE sealed IS NOT NULL;
UPDATE sessions SET config = config_without_secrets(config) WHERE key IN (SELECT session_key FROM launch_secrets);

-- Old copies of them are in free pages. The file is written anew once this is committed; that is noted
-- here because it cannot be done in a transaction, so that it is not forgotten when the daemon dies.
INSERT INTO counters (name, value) SELECT 'rewrite_file', 1 WHERE EXISTS (SELECT 1 FROM sessions);
