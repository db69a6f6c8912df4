-- Times are microseconds since 1970 in UTC. Rows point at sessions by a small key, because their
-- text ids would double the size of every index.

CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL UNIQUE,
    claude_session_id TEXT,
    parent_id TEXT,
    phase TEXT NOT NULL,
    -- Follows from the phase and the pending approvals; written by one function only.
    status TEXT NOT NULL,
    process TEXT NOT NULL,
    query TEXT NOT NULL,
    summary TEXT NOT NULL,
    title TEXT NOT NULL,
    model_id TEXT,
    working_dir TEXT NOT NULL,
    config TEXT NOT NULL,
    auto_accept_edits INTEGER NOT NULL DEFAULT 0,
    skip_permissions INTEGER NOT NULL DEFAULT 0,
    skip_permissions_until INTEGER,
    created_at INTEGER NOT NULL,
    last_activity_at INTEGER NOT NULL,
    completed_at INTEGER,
    error_message TEXT,
    result_content TEXT,
    cost_usd REAL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_creation_input_tokens INTEGER,
    cache_read_input_tokens INTEGER,
    context_tokens INTEGER,
    context_limit INTEGER,
    num_turns INTEGER,
    duration_ms INTEGER,
    archived INTEGER NOT NULL DEFAULT 0,
    background_tasks TEXT NOT NULL DEFAULT '[]',
    journal_offset INTEGER NOT NULL DEFAULT 0,
    next_sequence INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX sessions_by_activity ON sessions (archived, last_activity_at DESC, key DESC);
CREATE INDEX sessions_by_status ON sessions (archived, status);
CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_by_claude_id ON sessions (claude_session_id) WHERE claude_session_id IS NOT NULL;
CREATE INDEX sessions_in_progress ON sessions (process) WHERE process <> 'gone';
CREATE INDEX sessions_by_dir ON sessions (working_dir, last_activity_at);

-- What the agent wrote, as it wrote it, but for the live deltas.
CREATE TABLE raw_lines (
    id INTEGER PRIMARY KEY,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    journal_offset INTEGER NOT NULL,
    line TEXT NOT NULL,
    UNIQUE (session_key, journal_offset)
) STRICT;

CREATE TABLE conversation (
    seq INTEGER PRIMARY KEY,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    sequence INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    role TEXT,
    content TEXT,
    tool_id TEXT,
    tool_name TEXT,
    tool_input TEXT,
    parent_tool_use_id TEXT,
    tool_result_for_id TEXT,
    tool_result_content TEXT,
    is_error INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (session_key, sequence)
) STRICT;
CREATE INDEX conversation_results ON conversation (session_key, tool_result_for_id)
    WHERE tool_result_for_id IS NOT NULL;

CREATE TABLE approvals (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    run_id TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    request_id TEXT,
    tool_use_id TEXT,
    tool_name TEXT NOT NULL,
    tool_input TEXT NOT NULL,
    description TEXT,
    decision_reason TEXT,
    blocked_path TEXT,
    suggestions TEXT NOT NULL DEFAULT '[]',
    agent_id TEXT,
    outcome TEXT NOT NULL,
    comment TEXT,
    updated_input TEXT,
    updated_permissions TEXT,
    answers TEXT,
    decided_by TEXT,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    delivered_at INTEGER,
    undelivered TEXT,
    CHECK ((outcome = 'pending') = (decided_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX approvals_by_request ON approvals (session_key, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX approvals_by_tool_use ON approvals (session_key, tool_use_id) WHERE tool_use_id IS NOT NULL;
CREATE INDEX approvals_pending ON approvals (session_key, created_at) WHERE outcome = 'pending';
CREATE INDEX approvals_by_session ON approvals (session_key, key);

-- Lines on their way to an agent; a row goes when its line has arrived.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    frame_id TEXT NOT NULL UNIQUE,
    line TEXT NOT NULL,
    approval_key INTEGER REFERENCES approvals (key),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_session ON outbox (session_key, id);
CREATE INDEX outbox_by_approval ON outbox (approval_key) WHERE approval_key IS NOT NULL;

-- Every event but the conversation's, which are their own rows. Old ones are pruned.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    type TEXT NOT NULL,
    approval_key INTEGER,
    data TEXT
) STRICT;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('seq', 0), ('pruned_seq', 0);
