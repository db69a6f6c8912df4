-- A session is a conversation. Its processes come and go; at most one of them is alive.

-- How many processes it has had; the present one is the last of them.
ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
-- The name of the present process's directory.
ALTER TABLE sessions ADD COLUMN directory TEXT NOT NULL DEFAULT '';
UPDATE sessions SET directory = id;
-- Where the present process's journal begins among all that its processes wrote.
ALTER TABLE sessions ADD COLUMN journal_base INTEGER NOT NULL DEFAULT 0;
-- The mode that Claude Code last reported.
ALTER TABLE sessions ADD COLUMN permission_mode TEXT;
-- A person's intentions that are not carried out yet.
ALTER TABLE sessions ADD COLUMN end_requested_at INTEGER;
ALTER TABLE sessions ADD COLUMN archive_at_end INTEGER NOT NULL DEFAULT 0;
-- What must be there before its next process can be started, for people.
ALTER TABLE sessions ADD COLUMN waiting_for TEXT;
-- A fork shows the conversation of another session up to this place, then its own.
ALTER TABLE sessions ADD COLUMN forked_from INTEGER REFERENCES sessions (key);
ALTER TABLE sessions ADD COLUMN fork_sequence INTEGER NOT NULL DEFAULT 0;
-- A second process of that session's conversation, started by an earlier release.
ALTER TABLE sessions ADD COLUMN duplicate_of INTEGER REFERENCES sessions (key);
CREATE INDEX sessions_by_source ON sessions (forked_from) WHERE forked_from IS NOT NULL;
CREATE INDEX sessions_by_original ON sessions (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX sessions_waiting ON sessions (key) WHERE waiting_for IS NOT NULL;

-- Ids under which a conversation was continued by a client that knows processes, not conversations.
-- The first id is the session's own. All of them name the session for ever.
CREATE TABLE wire_ids (
    id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    -- The id that was named when this one was given out.
    parent_id TEXT NOT NULL,
    -- The first piece of conversation and the first event that belong to it.
    from_sequence INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    query TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- How the session stood when this id took over, as JSON.
    before TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX wire_ids_by_session ON wire_ids (session_key, from_seq);
CREATE INDEX wire_ids_by_parent ON wire_ids (parent_id);

-- An agent's names for its requests are unique within one process only.
ALTER TABLE approvals ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
DROP INDEX approvals_by_request;
CREATE UNIQUE INDEX approvals_by_request ON approvals (session_key, generation, request_id)
    WHERE request_id IS NOT NULL;

-- A session's events are found when it is deleted or followed.
CREATE INDEX events_by_session ON events (session_key, seq);

-- Sessions that were deleted, for clients that catch up.
CREATE TABLE deleted_sessions (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    session_id TEXT NOT NULL,
    run_id TEXT NOT NULL
) STRICT;

-- Whatever works is in sight.
UPDATE sessions SET archived = 0
    WHERE archived = 1 AND process IN ('launching', 'live')
        AND status IN ('starting', 'running', 'waiting_input', 'interrupting');
