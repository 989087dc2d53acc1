-- What belongs to a secret is kept in the order of its primary key, with no second copy of that key beside it: a put
-- writes three pages in place of five, and all versions of a secret are read from the same page. That no two versions
-- have one ordinal is seen to by the revision that every change is decided on.
-- By way of temporary tables: renaming would read the whole schema again for each, at every first start.
CREATE TEMP TABLE kept_data_keys AS
SELECT secret_id, id, key_id, key_version, wrapped, created FROM data_keys ORDER BY secret_id, id;
CREATE TEMP TABLE kept_versions AS
SELECT secret_id, version_id, ordinal, data_type, data_key_id, sealed, created FROM secret_versions
ORDER BY secret_id, version_id;
CREATE TEMP TABLE kept_labels AS SELECT secret_id, label, version_id FROM secret_labels ORDER BY secret_id, label;

DROP TABLE secret_labels;
DROP TABLE secret_versions;
DROP TABLE data_keys;

CREATE TABLE data_keys (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    id          TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    key_version INTEGER NOT NULL,
    wrapped     BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret_versions (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    version_id  TEXT    NOT NULL CHECK (length(version_id) BETWEEN 1 AND 64),
    ordinal     INTEGER NOT NULL CHECK (ordinal > 0),
    data_type   TEXT    NOT NULL CHECK (data_type IN ('text', 'binary')),
    data_key_id TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, version_id),
    FOREIGN KEY (secret_id, data_key_id) REFERENCES data_keys (secret_id, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER secret_versions_never_change BEFORE UPDATE ON secret_versions
BEGIN
    SELECT RAISE(ABORT, 'a stored version never changes');
END;

CREATE TABLE secret_labels (
    secret_id  TEXT NOT NULL,
    label      TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    version_id TEXT NOT NULL,
    PRIMARY KEY (secret_id, label),
    FOREIGN KEY (secret_id, version_id) REFERENCES secret_versions (secret_id, version_id)
) STRICT, WITHOUT ROWID;

INSERT INTO data_keys (secret_id, id, key_id, key_version, wrapped, created) SELECT * FROM kept_data_keys;
INSERT INTO secret_versions (secret_id, version_id, ordinal, data_type, data_key_id, sealed, created)
SELECT * FROM kept_versions;
INSERT INTO secret_labels (secret_id, label, version_id) SELECT * FROM kept_labels;
DROP TABLE kept_data_keys;
DROP TABLE kept_versions;
DROP TABLE kept_labels;
