-- What several processes on one database must agree on. Each number counts up with every change, so that a process sees
-- by one look at this one row that what it holds of it in memory is old.
CREATE TABLE installation (
    one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    keys           INTEGER NOT NULL,
    accounts       INTEGER NOT NULL,
    clock          INTEGER NOT NULL,
    clock_ahead_ms INTEGER NOT NULL,
    clock_stands   INTEGER
) STRICT;
INSERT INTO installation (one, keys, accounts, clock, clock_ahead_ms) VALUES (1, 0, 0, 0, 0);

-- Every change of a key or alias is decided on a revision of all keys and aliases of its account and region.
CREATE TABLE key_scopes (
    account  TEXT    NOT NULL,
    region   TEXT    NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (account, region)
) STRICT, WITHOUT ROWID;

-- Nonces of signed requests, as fingerprints.
CREATE TABLE nonces (
    fingerprint BLOB    NOT NULL PRIMARY KEY,
    seen        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_seen ON nonces (seen);
