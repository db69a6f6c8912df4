-- What is known of messages around the death of a process.

-- The generation of the process that a message was accepted for while that seemed to live; null for a message that was
-- accepted to begin a process, and for other lines. One that no process was given begins the next process.
ALTER TABLE outbox ADD COLUMN generation INTEGER;

-- Messages that an agent has read just now, as they were sent. An agent that is killed may not have written them into
-- its own record of the conversation, which is all that its next process knows.
CREATE TABLE read_messages (
    -- As in the outbox: messages were sent in this order.
    id INTEGER PRIMARY KEY,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    frame_id TEXT NOT NULL,
    line TEXT NOT NULL,
    -- Microseconds since 1970.
    read_at INTEGER NOT NULL
) STRICT;
CREATE INDEX read_messages_by_session ON read_messages (session_key, id);
