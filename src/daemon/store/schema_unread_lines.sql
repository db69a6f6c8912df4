-- Lines of a request that a person approved without having seen them; null where there are none.
ALTER TABLE approvals ADD COLUMN unread_lines INTEGER;
