-- Programs that are no session's agent ask too: over the socket, over the local HumanLayer API, or
-- at a remote one that is polled.

ALTER TABLE sessions ADD COLUMN asker TEXT;
ALTER TABLE sessions ADD COLUMN asker_pid INTEGER;

ALTER TABLE approvals ADD COLUMN call_id TEXT;
ALTER TABLE approvals ADD COLUMN channel TEXT;
ALTER TABLE approvals ADD COLUMN sdk_state TEXT;
ALTER TABLE approvals ADD COLUMN options TEXT NOT NULL DEFAULT '[]';
ALTER TABLE approvals ADD COLUMN accepts_edits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE approvals ADD COLUMN asker TEXT;
ALTER TABLE approvals ADD COLUMN chosen_option TEXT;
CREATE UNIQUE INDEX approvals_by_call ON approvals (source, call_id) WHERE call_id IS NOT NULL;
-- What programs wait for, to be listed in pages, and counted for each asker.
CREATE INDEX approvals_of_programs ON approvals (source, kind, key) WHERE outcome = 'pending' AND call_id IS NOT NULL;
CREATE INDEX approvals_by_asker ON approvals (source, asker) WHERE outcome = 'pending' AND call_id IS NOT NULL;
-- Requests whose tool call has not been seen (yet).
CREATE INDEX approvals_without_call ON approvals (session_key, tool_name)
    WHERE outcome = 'pending' AND call_id IS NOT NULL AND tool_use_id IS NULL AND kind = 'permission';

-- Answers on their way to a remote API; a row goes when its answer has arrived or never will.
CREATE TABLE api_outbox (
    approval_key INTEGER PRIMARY KEY REFERENCES approvals (key),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL,
    last_error TEXT
) STRICT;
CREATE INDEX api_outbox_by_time ON api_outbox (next_try_at);

-- Keys of the local API. The key itself is nowhere, only its SHA-256.
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    may_decide INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_keys_by_name ON api_keys (name) WHERE revoked_at IS NULL;
