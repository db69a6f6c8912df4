-- What is wrong with the directory that a session works in, and where that may be now; null while nothing is.
ALTER TABLE sessions ADD COLUMN directory_problem TEXT;
ALTER TABLE sessions ADD COLUMN directory_candidate TEXT;
