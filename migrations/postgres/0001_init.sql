-- Times are milliseconds since 1970-01-01 UTC. Values, data keys and key material are sealed (see src/crypto).

-- Facts about the installation itself, such as the sealed marker that tells a wrong root key.
CREATE TABLE meta (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- Customer master keys. A scope has at most one key of the service's own. `due` is when something falls due for a key:
-- its deletion, the expiry of its material, its rotation. A deleted key's row is gone, with its material.
CREATE TABLE keys (
    id                   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account              TEXT COLLATE "C" NOT NULL,
    region               TEXT COLLATE "C" NOT NULL,
    owner                TEXT    NOT NULL CHECK (owner IN ('User', 'Service')),
    spec                 TEXT    NOT NULL,
    usage                TEXT    NOT NULL CHECK (usage IN ('ENCRYPT/DECRYPT', 'SIGN/VERIFY')),
    origin               TEXT    NOT NULL CHECK (origin IN ('Aliyun_KMS', 'EXTERNAL')),
    protection           TEXT    NOT NULL CHECK (protection IN ('SOFTWARE', 'HSM')),
    state                TEXT    NOT NULL CHECK (state IN ('Enabled', 'Disabled', 'PendingDeletion', 'PendingImport')),
    description          TEXT    NOT NULL,
    created              BIGINT  NOT NULL,
    deletion             BIGINT,
    protected            BIGINT  NOT NULL CHECK (protected IN (0, 1)),
    material_expires     BIGINT,
    rotation_interval_ms BIGINT,
    last_rotation        BIGINT  NOT NULL,
    imported             BYTEA,
    due                  BIGINT,
    revision             BIGINT  NOT NULL CHECK (revision > 0),
    CHECK ((state = 'PendingDeletion') = (deletion IS NOT NULL))
);
CREATE UNIQUE INDEX keys_service ON keys (account, region) WHERE owner = 'Service';
CREATE INDEX keys_of_scope ON keys (account, region);
CREATE INDEX keys_due ON keys (due) WHERE due IS NOT NULL;

-- Versions of key material, wrapped by the root key; NULL where it was imported and then deleted.
CREATE TABLE key_versions (
    key_id   TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    number   BIGINT  NOT NULL CHECK (number > 0),
    id       TEXT    NOT NULL,
    material BYTEA,
    created  BIGINT  NOT NULL,
    PRIMARY KEY (key_id, number)
);

CREATE TABLE aliases (
    account TEXT COLLATE "C" NOT NULL,
    region  TEXT COLLATE "C" NOT NULL,
    name    TEXT COLLATE "C" NOT NULL,
    key_id  TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    PRIMARY KEY (account, region, name)
);
CREATE INDEX aliases_of_key ON aliases (key_id);

CREATE TABLE key_tags (
    key_id    TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
    tag_key   TEXT COLLATE "C" NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (key_id, tag_key)
);

CREATE TABLE secrets (
    id               TEXT    NOT NULL PRIMARY KEY,
    account          TEXT COLLATE "C" NOT NULL,
    region           TEXT COLLATE "C" NOT NULL,
    name             TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 192),
    secret_type      TEXT    NOT NULL CHECK (secret_type IN ('Generic', 'Rds', 'Redis', 'RAMCredentials', 'ECS', 'PolarDB')),
    description      TEXT    NOT NULL,
    encryption_key   TEXT,
    created          BIGINT  NOT NULL,
    updated          BIGINT  NOT NULL,
    planned_deletion BIGINT,
    revision         BIGINT  NOT NULL CHECK (revision > 0),
    UNIQUE (account, region, name)
);
CREATE INDEX secrets_newest ON secrets (account, region, created DESC, name);
CREATE INDEX secrets_due ON secrets (planned_deletion) WHERE planned_deletion IS NOT NULL;

-- A data key belongs to exactly one secret and is wrapped by one version of a key, which may be deleted before it: then
-- it opens no more.
CREATE TABLE data_keys (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    id          TEXT    NOT NULL,
    key_id      TEXT    NOT NULL,
    key_version BIGINT  NOT NULL,
    wrapped     BYTEA   NOT NULL,
    created     BIGINT  NOT NULL,
    PRIMARY KEY (secret_id, id)
);

-- Written once; the trigger below refuses any change.
CREATE TABLE secret_versions (
    secret_id   TEXT    NOT NULL REFERENCES secrets (id),
    version_id  TEXT COLLATE "C" NOT NULL CHECK (length(version_id) BETWEEN 1 AND 64),
    ordinal     BIGINT  NOT NULL CHECK (ordinal > 0),
    data_type   TEXT    NOT NULL CHECK (data_type IN ('text', 'binary')),
    data_key_id TEXT    NOT NULL,
    sealed      BYTEA   NOT NULL,
    created     BIGINT  NOT NULL,
    PRIMARY KEY (secret_id, version_id),
    UNIQUE (secret_id, ordinal),
    FOREIGN KEY (secret_id, data_key_id) REFERENCES data_keys (secret_id, id)
);
CREATE FUNCTION refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stored version never changes';
END $$;
CREATE TRIGGER secret_versions_never_change BEFORE UPDATE ON secret_versions
FOR EACH ROW EXECUTE FUNCTION refuse_version_change();

-- A label sits on exactly one version of its secret, and that version cannot go away under it.
CREATE TABLE secret_labels (
    secret_id  TEXT NOT NULL,
    label      TEXT COLLATE "C" NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    version_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (secret_id, label),
    FOREIGN KEY (secret_id, version_id) REFERENCES secret_versions (secret_id, version_id)
);

CREATE TABLE tags (
    secret_id TEXT NOT NULL REFERENCES secrets (id),
    tag_key   TEXT COLLATE "C" NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (secret_id, tag_key)
);
