-- What belongs to a secret is kept in the order of its primary key, with no second copy of that key beside it: a put
-- writes three pages in place of five, and all versions of a secret are read from the same page. That no two versions
-- have one ordinal is seen to by the revision that every change is decided on.
CREATE TABLE data_keys_together (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    id          TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    key_version INTEGER NOT NULL,
    wrapped     BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO data_keys_together (secret_id, id, key_id, key_version, wrapped, created)
SELECT secret_id, id, key_id, key_version, wrapped, created FROM data_keys ORDER BY secret_id, id;

CREATE TABLE secret_versions_together (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    version_id  TEXT    NOT NULL CHECK (length(version_id) BETWEEN 1 AND 64),
    ordinal     INTEGER NOT NULL CHECK (ordinal > 0),
    data_type   TEXT    NOT NULL CHECK (data_type IN ('text', 'binary')),
    data_key_id TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, version_id),
    FOREIGN KEY (secret_id, data_key_id) REFERENCES data_keys_together (secret_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO secret_versions_together (secret_id, version_id, ordinal, data_type, data_key_id, sealed, created)
SELECT secret_id, version_id, ordinal, data_type, data_key_id, sealed, created FROM secret_versions
ORDER BY secret_id, version_id;

CREATE TABLE secret_labels_together (
    secret_id  TEXT NOT NULL,
    label      TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    version_id TEXT NOT NULL,
    PRIMARY KEY (secret_id, label),
    FOREIGN KEY (secret_id, version_id) REFERENCES secret_versions_together (secret_id, version_id)
) STRICT, WITHOUT ROWID;
INSERT INTO secret_labels_together (secret_id, label, version_id)
SELECT secret_id, label, version_id FROM secret_labels ORDER BY secret_id, label;

-- Children first; their references follow when a table takes its old name.
DROP TABLE secret_labels;
DROP TABLE secret_versions;
DROP TABLE data_keys;
ALTER TABLE data_keys_together RENAME TO data_keys;
ALTER TABLE secret_versions_together RENAME TO secret_versions;
ALTER TABLE secret_labels_together RENAME TO secret_labels;

CREATE TRIGGER secret_versions_never_change BEFORE UPDATE ON secret_versions
BEGIN
    SELECT RAISE(ABORT, 'a stored version never changes');
END;
