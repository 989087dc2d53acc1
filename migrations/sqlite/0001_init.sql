-- Times are milliseconds since 1970-01-01 UTC. Values, data keys and key material are sealed (see src/crypto).

-- Facts about the installation itself, such as the sealed marker that tells a wrong root key.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- Customer master keys. A scope has at most one service-managed key.
CREATE TABLE keys (
    id      TEXT    NOT NULL PRIMARY KEY,
    account TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    origin  TEXT    NOT NULL CHECK (origin IN ('service', 'user')),
    state   TEXT    NOT NULL CHECK (state IN ('Enabled', 'Disabled', 'PendingDeletion', 'PendingImport')),
    created INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX keys_service ON keys (account, region) WHERE origin = 'service';

-- Versions of key material, wrapped by the root key.
CREATE TABLE key_versions (
    key_id   TEXT    NOT NULL REFERENCES keys (id),
    version  INTEGER NOT NULL CHECK (version > 0),
    material BLOB    NOT NULL,
    created  INTEGER NOT NULL,
    PRIMARY KEY (key_id, version)
) STRICT;

CREATE TABLE secrets (
    id               TEXT    NOT NULL PRIMARY KEY,
    account          TEXT    NOT NULL,
    region           TEXT    NOT NULL,
    name             TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 192),
    secret_type      TEXT    NOT NULL CHECK (secret_type IN ('Generic', 'Rds', 'Redis', 'RAMCredentials', 'ECS', 'PolarDB')),
    description      TEXT    NOT NULL,
    encryption_key   TEXT    REFERENCES keys (id),
    created          INTEGER NOT NULL,
    updated          INTEGER NOT NULL,
    planned_deletion INTEGER,
    revision         INTEGER NOT NULL CHECK (revision > 0),
    UNIQUE (account, region, name)
) STRICT;
CREATE INDEX secrets_newest ON secrets (account, region, created DESC, name);
CREATE INDEX secrets_due ON secrets (planned_deletion) WHERE planned_deletion IS NOT NULL;

-- A data key belongs to exactly one secret and is wrapped by one version of a key.
CREATE TABLE data_keys (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    id          TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    key_version INTEGER NOT NULL,
    wrapped     BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, id),
    FOREIGN KEY (key_id, key_version) REFERENCES key_versions (key_id, version)
) STRICT;

-- Written once; the trigger below refuses any change.
CREATE TABLE secret_versions (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    version_id  TEXT    NOT NULL CHECK (length(version_id) BETWEEN 1 AND 64),
    ordinal     INTEGER NOT NULL CHECK (ordinal > 0),
    data_type   TEXT    NOT NULL CHECK (data_type IN ('text', 'binary')),
    data_key_id TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    PRIMARY KEY (secret_id, version_id),
    UNIQUE (secret_id, ordinal),
    FOREIGN KEY (secret_id, data_key_id) REFERENCES data_keys (secret_id, id)
) STRICT;
CREATE TRIGGER secret_versions_never_change BEFORE UPDATE ON secret_versions
BEGIN
    SELECT RAISE(ABORT, 'a stored version never changes');
END;

-- A label sits on exactly one version of its secret, and that version cannot go away under it.
CREATE TABLE secret_labels (
    secret_id  TEXT NOT NULL,
    label      TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    version_id TEXT NOT NULL,
    PRIMARY KEY (secret_id, label),
    FOREIGN KEY (secret_id, version_id) REFERENCES secret_versions (secret_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tags (
    secret_id TEXT NOT NULL REFERENCES secrets (id),
    tag_key   TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (secret_id, tag_key)
) STRICT, WITHOUT ROWID;
