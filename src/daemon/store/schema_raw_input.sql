-- Inputs that cannot be parsed, or that are not written again as the agent wrote them.

-- 'readable', 'unreadable' (passed back byte for byte), 'unusable' (can only be denied).
ALTER TABLE approvals ADD COLUMN input_state TEXT NOT NULL DEFAULT 'readable';
-- The input's own bytes, where writing tool_input does not give the same.
ALTER TABLE approvals ADD COLUMN raw_input TEXT;
