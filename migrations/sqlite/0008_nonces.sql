-- As in PostgreSQL. Nonces of a process that has its database to itself are in memory and in files beside it.
ALTER TABLE nonces ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nonces ADD COLUMN principal TEXT NOT NULL DEFAULT '';
CREATE INDEX nonces_expires ON nonces (expires);
INSERT INTO nonces (fingerprint, seen, expires) VALUES (x'6d', 9223372036854775807, 9223372036854775807);
ALTER TABLE installation ADD COLUMN nonces INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN forgotten_nonces TEXT;
