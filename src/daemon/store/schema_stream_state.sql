-- What has to be remembered of an agent's stream from one line to the next, as JSON: above all which of
-- its running totals have been counted. Until now a session's cost and tokens were the totals
-- that its process reported last.

ALTER TABLE sessions ADD COLUMN stream_state TEXT NOT NULL DEFAULT '{}';
UPDATE sessions SET stream_state = json_object(
    'accounting', json_object(
        'reported', json_object(
            'cost_usd', coalesce(cost_usd, 0.0),
            'input_tokens', coalesce(input_tokens, 0),
            'output_tokens', coalesce(output_tokens, 0),
            'cache_creation_input_tokens', coalesce(cache_creation_input_tokens, 0),
            'cache_read_input_tokens', coalesce(cache_read_input_tokens, 0)),
        'ended', json(CASE process WHEN 'gone' THEN 'true' ELSE 'false' END)),
    'begun', json(CASE WHEN process <> 'gone' AND claude_session_id IS NOT NULL THEN 'true' ELSE 'false' END));

-- Lines that were not understood are kept until a person deletes them.
ALTER TABLE raw_lines ADD COLUMN understood INTEGER NOT NULL DEFAULT 1;
