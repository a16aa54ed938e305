-- A journal that the first version made, whose driver died.
CREATE TABLE jobs (
    key NOT NULL PRIMARY KEY, kind NOT NULL DEFAULT '', vm NOT NULL DEFAULT '',
    host NOT NULL DEFAULT '', disks NOT NULL DEFAULT 0, total NOT NULL DEFAULT 0,
    settings NOT NULL DEFAULT '', state NOT NULL, target NOT NULL DEFAULT '',
    worker NOT NULL DEFAULT '', attempts NOT NULL DEFAULT 0, changed NOT NULL,
    bytes NOT NULL DEFAULT 0, seconds NOT NULL DEFAULT 0.0, verdict NOT NULL DEFAULT '',
    reason NOT NULL DEFAULT '', open NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE outcomes (
    number INTEGER PRIMARY KEY, key NOT NULL, state NOT NULL, at NOT NULL, outcome NOT NULL
);
CREATE INDEX outcomes_by_key ON outcomes (key, state, number);
INSERT INTO jobs (key, state, changed, open) VALUES ('export web', 'running', 1790000000.0, 1);
PRAGMA application_id = 0x6E66636C;
PRAGMA user_version = 1;
