-- In which order sessions were active, whatever the calendar said then: the larger, the later.

ALTER TABLE sessions ADD COLUMN activity INTEGER NOT NULL DEFAULT 0;

UPDATE sessions SET activity = o.n FROM
    (SELECT key AS of, row_number() OVER (ORDER BY last_activity_at, key) AS n FROM sessions) o WHERE key = o.of;

INSERT INTO counters (name, value) SELECT 'activity', coalesce(max(activity), 0) FROM sessions;

CREATE INDEX sessions_in_order ON sessions (archived, activity DESC);

CREATE TRIGGER sessions_begin AFTER INSERT ON sessions BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'activity';
    UPDATE sessions SET activity = (SELECT value FROM counters WHERE name = 'activity') WHERE key = NEW.key;
END;

CREATE TRIGGER sessions_act AFTER UPDATE OF last_activity_at ON sessions
WHEN NEW.last_activity_at <> OLD.last_activity_at BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'activity';
    UPDATE sessions SET activity = (SELECT value FROM counters WHERE name = 'activity') WHERE key = NEW.key;
END;
