-- Messages of the user stay in the outbox until the agent has read them.

-- The message's piece of conversation; null for other lines, and for messages of an earlier release.
ALTER TABLE outbox ADD COLUMN message_seq INTEGER;
-- How far it is with the session's present process: written to it, taken out of its queue.
ALTER TABLE outbox ADD COLUMN written INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
-- A person wants it back.
ALTER TABLE outbox ADD COLUMN withdrawing INTEGER NOT NULL DEFAULT 0;
-- How far a message is that the agent has not read.
ALTER TABLE conversation ADD COLUMN delivery TEXT;
