-- When the signature of a nonce expires, and whose it is. A process of the release before, which may still run, fills
-- neither in: what it records counts as expiring half an hour later, which is the latest that it can be.
ALTER TABLE nonces ADD COLUMN expires BIGINT NOT NULL DEFAULT CAST(EXTRACT(EPOCH FROM NOW()) * 1000 AS BIGINT) + 1800000;
ALTER TABLE nonces ADD COLUMN principal TEXT NOT NULL DEFAULT '';
CREATE INDEX nonces_expires ON nonces (expires);
-- The marker, which is never removed. A crash of the database empties the table: then it is gone, too.
INSERT INTO nonces (fingerprint, seen, expires) VALUES (CAST('m' AS BYTEA), 9223372036854775807, 9223372036854775807);
-- The spans of signed time whose nonces were forgotten, as JSON; `nonces` counts the changes. Releases before this one
-- did not note what they forgot: if there was one, everything that is older than half an hour.
ALTER TABLE installation ADD COLUMN nonces BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN forgotten_nonces TEXT;
UPDATE installation SET forgotten_nonces = CONCAT(
    '[[-9223372036854775808,', CAST(EXTRACT(EPOCH FROM NOW()) * 1000 AS BIGINT) - 1800000, ']]'
) WHERE EXISTS (SELECT 1 FROM meta);
