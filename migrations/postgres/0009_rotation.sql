-- What a secret of a managed type has beside the row of each secret. `due` is the service's time at which the clock makes
-- something happen to it, `lease_until` the machine's time at which anybody may go on with the rotation under way.
CREATE TABLE managed_secrets (
    secret_id       TEXT    NOT NULL PRIMARY KEY REFERENCES secrets (id),
    extended_config TEXT    NOT NULL,
    -- The account that the service makes at an instance; no two secrets of a scope have the same one.
    target          TEXT COLLATE "C" UNIQUE,
    rotation        TEXT    NOT NULL CHECK (rotation IN ('Enabled', 'Disabled', 'Invalid')),
    interval_s      BIGINT,
    last_rotation   BIGINT,
    -- The rotation and the window under way, as JSON.
    running         TEXT,
    key_window      TEXT,
    lease_until     BIGINT,
    due             BIGINT,
    -- The sealed value of the version to come, made before anything outside is changed.
    candidate_key   TEXT,
    candidate       BYTEA,
    CHECK ((rotation = 'Disabled') = (interval_s IS NULL)),
    CHECK ((running IS NULL) = (lease_until IS NULL)),
    CHECK ((candidate IS NULL) = (candidate_key IS NULL)),
    CHECK (candidate IS NULL OR running IS NOT NULL)
);
CREATE INDEX managed_secrets_due ON managed_secrets (due) WHERE due IS NOT NULL;
CREATE INDEX managed_secrets_leases ON managed_secrets (lease_until) WHERE lease_until IS NOT NULL;

-- What rotations did to the AccessKeys of RAM users: keys that they made, and the state of keys of the configuration file,
-- whose secret is not here.
CREATE TABLE access_keys (
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL,
    user_name TEXT    NOT NULL,
    status    TEXT    NOT NULL CHECK (status IN ('Active', 'Inactive', 'Deleted')),
    created   BIGINT  NOT NULL,
    -- Whether the user is there for this key only.
    own_user  BIGINT  NOT NULL CHECK (own_user IN (0, 1)),
    sealed    BYTEA
);
CREATE INDEX access_keys_of_account ON access_keys (account);
