-- How many sessions are (not) archived and in which status, so that a list with counts does not get
-- slower with their number. Kept by triggers: nobody who writes a session can forget it.

CREATE TABLE session_counts (
    archived INTEGER NOT NULL,
    status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (archived, status)
) STRICT, WITHOUT ROWID;

INSERT INTO session_counts (archived, status, n)
    SELECT archived, status, count(*) FROM sessions GROUP BY archived, status;

CREATE TRIGGER session_counts_in AFTER INSERT ON sessions BEGIN
    INSERT INTO session_counts (archived, status, n) VALUES (NEW.archived, NEW.status, 1)
        ON CONFLICT (archived, status) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER session_counts_out AFTER DELETE ON sessions BEGIN
    UPDATE session_counts SET n = n - 1 WHERE archived = OLD.archived AND status = OLD.status;
END;

CREATE TRIGGER session_counts_over AFTER UPDATE OF archived, status ON sessions BEGIN
    UPDATE session_counts SET n = n - 1 WHERE archived = OLD.archived AND status = OLD.status;
    INSERT INTO session_counts (archived, status, n) VALUES (NEW.archived, NEW.status, 1)
        ON CONFLICT (archived, status) DO UPDATE SET n = n + 1;
END;
