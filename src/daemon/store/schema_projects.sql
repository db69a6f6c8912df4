-- What people were asked about the files that a project brings for Claude Code, and what they said. An answer
-- holds for the same contents in the same repository.
CREATE TABLE project_settings (
    key INTEGER PRIMARY KEY,
    repository TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    -- Of all files but the settings.
    rest_fingerprint TEXT NOT NULL,
    -- The settings, by path, for comparing them with later ones.
    settings TEXT NOT NULL,
    -- The question; none for what followed from another answer.
    approval_key INTEGER,
    -- Whether they are used; none while nobody has answered.
    used INTEGER,
    answered_at INTEGER
);
CREATE INDEX project_settings_of_repository ON project_settings (repository, fingerprint);
CREATE INDEX project_settings_of_approval ON project_settings (approval_key);
-- The repository that a session works in, where it was looked at for its last launch.
ALTER TABLE sessions ADD COLUMN repository TEXT;
