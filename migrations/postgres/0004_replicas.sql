-- What several processes on one database must agree on. Each number counts up with every change, so that a process sees
-- by one look at this one row that what it holds of it in memory is old.
CREATE TABLE installation (
    one            BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    keys           BIGINT NOT NULL,
    accounts       BIGINT NOT NULL,
    clock          BIGINT NOT NULL,
    clock_ahead_ms BIGINT NOT NULL,
    clock_stands   BIGINT
);
INSERT INTO installation (one, keys, accounts, clock, clock_ahead_ms) VALUES (1, 0, 0, 0, 0);

-- Every change of a key or alias is decided on a revision of all keys and aliases of its account and region.
CREATE TABLE key_scopes (
    account  TEXT COLLATE "C" NOT NULL,
    region   TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL CHECK (revision > 0),
    PRIMARY KEY (account, region)
);

-- Nonces of signed requests, as fingerprints. Unlogged: they cost no flush, and a crash of the database forgets them, as
-- a restart of a lone process does.
CREATE UNLOGGED TABLE nonces (
    fingerprint BYTEA  NOT NULL PRIMARY KEY,
    seen        BIGINT NOT NULL
);
CREATE INDEX nonces_seen ON nonces (seen);
