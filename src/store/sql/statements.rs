//! The statements that all databases share. Those that differ are in the dialects.

/// A secret with everything that belongs to it. One statement reads one state of the database. It returns rows of six
/// kinds in any order; the kind decides what the other columns mean:
///
/// | kind | bytes | text | text | int | int | text | text | text | int | int |
/// |---|---|---|---|---|---|---|---|---|---|---|
/// | 0 secret | | `id` | `secret_type` | `created` | `updated` | `description` | `encryption_key` | `policy` | `planned_deletion` | `revision` |
/// | 1 version | `sealed` | `version_id` | `data_type` | `ordinal` | `created` | `data_key_id` | | | | |
/// | 2 label | | `label` | `version_id` | | | | | | | |
/// | 3 tag | | `tag_key` | `tag_value` | | | | | | | |
/// | 4 data key | `wrapped` | `id` | `key_id` | `key_version` | `created` | | | | | |
/// | 5 managed | `candidate` | `extended_config` | `rotation` | `interval_s` | `last_rotation` | `running` | `key_window` | `candidate_key` | | |
///
/// A column of a union has one type, that of the first SELECT, so values of one type share columns.
/// `read_secrets::Part` reads the rows.
pub(super) const LOAD_SECRET: &str = "SELECT CAST(0 AS BIGINT) AS kind, CAST(NULL AS BYTEA) AS bytes, id, secret_type, \
     created, updated, description, encryption_key, policy, planned_deletion, revision \
     FROM secrets WHERE account = $1 AND region = $2 AND name = $3 \
     UNION ALL SELECT 1, v.sealed, v.version_id, v.data_type, v.ordinal, v.created, v.data_key_id, NULL, NULL, NULL, NULL \
     FROM secrets s JOIN secret_versions v ON v.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name = $3 \
     UNION ALL SELECT 2, NULL, l.label, l.version_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
     FROM secrets s JOIN secret_labels l ON l.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name = $3 \
     UNION ALL SELECT 3, NULL, t.tag_key, t.tag_value, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
     FROM secrets s JOIN tags t ON t.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name = $3 \
     UNION ALL SELECT 4, d.wrapped, d.id, d.key_id, d.key_version, d.created, NULL, NULL, NULL, NULL, NULL \
     FROM secrets s JOIN data_keys d ON d.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name = $3 \
     UNION ALL SELECT 5, m.candidate, m.extended_config, m.rotation, m.interval_s, m.last_rotation, m.running, m.key_window, \
     m.candidate_key, NULL, NULL \
     FROM secrets s JOIN managed_secrets m ON m.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name = $3";

pub(super) const HEAD: &str =
    "SELECT id, revision FROM secrets WHERE account = $1 AND region = $2 AND name = $3";

pub(super) const INSERT_SECRET: &str = "INSERT INTO secrets (id, account, region, name, secret_type, description, \
     encryption_key, created, updated, planned_deletion, policy, revision) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
/// Compare-and-set: affects no row if the revision is a different one.
pub(super) const UPDATE_SECRET: &str = "UPDATE secrets SET revision = revision + 1, \
     description = COALESCE($3, description), updated = COALESCE($4, updated), \
     policy = COALESCE($5, policy) WHERE id = $1 AND revision = $2";
/// Separate from `UPDATE_SECRET`: SQLite rewrites the indexes on this column for every statement that sets it, even to
/// the same value.
pub(super) const PLAN_DELETION: &str = "UPDATE secrets SET planned_deletion = $2 WHERE id = $1";
pub(super) const INSERT_VERSION: &str = "INSERT INTO secret_versions (secret_id, version_id, ordinal, data_type, \
     data_key_id, sealed, created) VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const DELETE_VERSION: &str =
    "DELETE FROM secret_versions WHERE secret_id = $1 AND version_id = $2";
pub(super) const SET_LABEL: &str = "INSERT INTO secret_labels (secret_id, label, version_id) VALUES ($1, $2, $3) \
     ON CONFLICT (secret_id, label) DO UPDATE SET version_id = excluded.version_id";
pub(super) const DELETE_LABEL: &str = "DELETE FROM secret_labels WHERE secret_id = $1 AND label = $2";
pub(super) const SET_TAG: &str = "INSERT INTO tags (secret_id, tag_key, tag_value) VALUES ($1, $2, $3) \
     ON CONFLICT (secret_id, tag_key) DO UPDATE SET tag_value = excluded.tag_value";
pub(super) const DELETE_TAG: &str = "DELETE FROM tags WHERE secret_id = $1 AND tag_key = $2";
/// Only if the version of the key still exists: another process may have deleted or replaced it since it wrapped the
/// data key.
pub(super) const INSERT_DATA_KEY: &str = "INSERT INTO data_keys (secret_id, id, key_id, key_version, wrapped, created) \
     SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM key_versions WHERE key_id = $3 AND number = $4 AND id = $7)";

/// The same without that condition.
pub(super) const PUT_DATA_KEY: &str = "INSERT INTO data_keys (secret_id, id, key_id, key_version, wrapped, created) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Deletes what belongs to a secret, before `DELETE_SECRET` deletes the secret.
pub(super) const PURGE_CHILDREN: [&str; 5] = [
    "DELETE FROM managed_secrets WHERE secret_id = $1",
    "DELETE FROM secret_labels WHERE secret_id = $1",
    "DELETE FROM secret_versions WHERE secret_id = $1",
    "DELETE FROM data_keys WHERE secret_id = $1",
    "DELETE FROM tags WHERE secret_id = $1",
];
pub(super) const DELETE_SECRET: &str = "DELETE FROM secrets WHERE id = $1";

/// Deletes everything that a snapshot holds, children first.
pub(super) const CLEAR: [&str; 12] = [
    "DELETE FROM accounts",
    "DELETE FROM access_keys",
    "DELETE FROM managed_secrets",
    "DELETE FROM secret_labels",
    "DELETE FROM secret_versions",
    "DELETE FROM data_keys",
    "DELETE FROM tags",
    "DELETE FROM secrets",
    "DELETE FROM aliases",
    "DELETE FROM key_tags",
    "DELETE FROM key_versions",
    "DELETE FROM keys",
];
/// The rest of a reset.
pub(super) const RESET: [&str; 2] = [
    "UPDATE key_scopes SET revision = revision + 1",
    "UPDATE installation SET keys = keys + 1, accounts = accounts + 1, clock = clock + 1, clock_ahead_ms = 0, \
     clock_stands = NULL, faults = faults + 1, fault_rules = NULL",
];

/// Increments all revisions after everything was replaced. No earlier revision may come back, or another process would
/// believe that what it holds is current. The revision of a secret is raised above all earlier ones, which 2^32 changes
/// would be needed to reach.
pub(super) const BUMP_ALL_REVISIONS: [&str; 3] = [
    "UPDATE key_scopes SET revision = revision + 1",
    "UPDATE installation SET keys = keys + 1, accounts = accounts + 1",
    "UPDATE secrets SET revision = revision % 4294967296 + 4294967296 * (SELECT keys FROM installation)",
];
pub(super) const ADD_SCOPE: &str = "INSERT INTO key_scopes (account, region, revision) VALUES ($1, $2, 1) ON CONFLICT (account, region) DO NOTHING";

/// Deletes everything of one account, children first.
pub(super) const CLEAR_ACCOUNT: [&str; 12] = [
    "DELETE FROM accounts WHERE id = $1",
    "DELETE FROM access_keys WHERE account = $1",
    "DELETE FROM managed_secrets WHERE secret_id IN (SELECT id FROM secrets WHERE account = $1)",
    "DELETE FROM secret_labels WHERE secret_id IN (SELECT id FROM secrets WHERE account = $1)",
    "DELETE FROM secret_versions WHERE secret_id IN (SELECT id FROM secrets WHERE account = $1)",
    "DELETE FROM data_keys WHERE secret_id IN (SELECT id FROM secrets WHERE account = $1)",
    "DELETE FROM tags WHERE secret_id IN (SELECT id FROM secrets WHERE account = $1)",
    "DELETE FROM secrets WHERE account = $1",
    "DELETE FROM aliases WHERE account = $1",
    "DELETE FROM key_tags WHERE key_id IN (SELECT id FROM keys WHERE account = $1)",
    "DELETE FROM key_versions WHERE key_id IN (SELECT id FROM keys WHERE account = $1)",
    "DELETE FROM keys WHERE account = $1",
];

/// Reads what belongs to an account, or to all accounts if the parameter is NULL. Each statement reads one table.
pub(super) const ALL_KEYS: &str = "SELECT account, region, id, owner, spec, usage, origin, protection, state, \
     description, created, deletion, protected, protected_because, material_expires, rotation_interval_ms, \
     last_rotation, imported, policy, revision FROM keys WHERE CAST($1 AS TEXT) IS NULL OR account = $1";
pub(super) const ALL_KEY_VERSIONS: &str = "SELECT v.key_id, v.number, v.id, v.material, v.created \
     FROM key_versions v JOIN keys k ON k.id = v.key_id WHERE CAST($1 AS TEXT) IS NULL OR k.account = $1 \
     ORDER BY v.key_id, v.number";
pub(super) const ALL_KEY_TAGS: &str = "SELECT t.key_id, t.tag_key, t.tag_value FROM key_tags t \
     JOIN keys k ON k.id = t.key_id WHERE CAST($1 AS TEXT) IS NULL OR k.account = $1";
pub(super) const ALL_ALIASES: &str = "SELECT account, region, name, key_id FROM aliases \
     WHERE CAST($1 AS TEXT) IS NULL OR account = $1 ORDER BY account, region, name";
pub(super) const ALL_SECRETS: &str = "SELECT account, region, name, id, secret_type, created, updated, description, \
     encryption_key, policy, planned_deletion, revision FROM secrets WHERE CAST($1 AS TEXT) IS NULL OR account = $1";
pub(super) const ALL_VERSIONS: &str = "SELECT v.secret_id, v.sealed, v.version_id, v.data_type, v.ordinal, \
     v.created, v.data_key_id FROM secret_versions v JOIN secrets s ON s.id = v.secret_id \
     WHERE CAST($1 AS TEXT) IS NULL OR s.account = $1";
pub(super) const ALL_LABELS: &str = "SELECT l.secret_id, l.label, l.version_id FROM secret_labels l \
     JOIN secrets s ON s.id = l.secret_id WHERE CAST($1 AS TEXT) IS NULL OR s.account = $1";
pub(super) const ALL_TAGS: &str = "SELECT t.secret_id, t.tag_key, t.tag_value FROM tags t \
     JOIN secrets s ON s.id = t.secret_id WHERE CAST($1 AS TEXT) IS NULL OR s.account = $1";
pub(super) const ALL_DATA_KEYS: &str = "SELECT d.secret_id, d.wrapped, d.id, d.key_id, d.key_version, d.created \
     FROM data_keys d JOIN secrets s ON s.id = d.secret_id WHERE CAST($1 AS TEXT) IS NULL OR s.account = $1";
pub(super) const ALL_MANAGED: &str = "SELECT m.secret_id, m.candidate, m.extended_config, m.rotation, m.interval_s, \
     m.last_rotation, m.running, m.key_window, m.candidate_key FROM managed_secrets m \
     JOIN secrets s ON s.id = m.secret_id WHERE CAST($1 AS TEXT) IS NULL OR s.account = $1";
pub(super) const ALL_ACCESS_KEYS: &str = "SELECT id, account, user_name, status, created, own_user, sealed \
     FROM access_keys WHERE CAST($1 AS TEXT) IS NULL OR account = $1 ORDER BY id";
pub(super) const ALL_ACCOUNTS: &str =
    "SELECT id, sealed FROM accounts WHERE CAST($1 AS TEXT) IS NULL OR id = $1 ORDER BY id";
pub(super) const INSTALLATION: &str =
    "SELECT keys, accounts, clock, faults, clock_ahead_ms, clock_stands FROM installation";
pub(super) const BUMP_KEYS_REVISION: &str = "UPDATE installation SET keys = keys + 1";
/// Compare-and-set, like `SET_CLOCK`.
pub(super) const BUMP_ACCOUNTS_REVISION: &str =
    "UPDATE installation SET accounts = accounts + 1 WHERE accounts = $1";
pub(super) const SET_CLOCK: &str = "UPDATE installation SET clock = clock + 1, clock_ahead_ms = $2, \
     clock_stands = $3 WHERE clock = $1";
pub(super) const FAULTS: &str = "SELECT faults, fault_rules FROM installation";
pub(super) const SET_FAULTS: &str =
    "UPDATE installation SET faults = faults + 1, fault_rules = $2 WHERE faults = $1";
pub(super) const BUMP_SCOPE_REVISION: &str = "INSERT INTO key_scopes (account, region, revision) VALUES ($1, $2, 1) \
     ON CONFLICT (account, region) DO UPDATE SET revision = key_scopes.revision + 1 WHERE key_scopes.revision = $3";
pub(super) const SCOPE_REVISION: &str = "SELECT revision FROM key_scopes WHERE account = $1 AND region = $2";
/// Inserts a nonce, if two conditions hold. The marker must exist, the one row that expires at the greatest time:
/// without it the table was emptied by a crash. And the revision must match: this nonce may be among those that were
/// forgotten since.
pub(super) const INSERT_NONCE: &str = "INSERT INTO nonces (fingerprint, seen, expires, principal) \
     SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM installation WHERE nonces = $5) \
     AND EXISTS (SELECT 1 FROM nonces WHERE expires = $6) ON CONFLICT (fingerprint) DO NOTHING";
pub(super) const NONCES: &str = "SELECT nonces, forgotten_nonces, \
     (SELECT COUNT(*) FROM nonces WHERE expires = $1) AS marks FROM installation";
pub(super) const SET_FORGOTTEN_NONCES: &str =
    "UPDATE installation SET nonces = nonces + 1, forgotten_nonces = $2 WHERE nonces = $1";
/// The fingerprint of the marker has one byte; those of nonces have 16.
pub(super) const MARK_NONCES: &str = "INSERT INTO nonces (fingerprint, seen, expires, principal) \
     VALUES ($1, $2, $2, '') ON CONFLICT (fingerprint) DO NOTHING";
/// See `PassedNonces`.
macro_rules! where_passed {
    ($head:literal) => {
        concat!(
            $head,
            " FROM nonces WHERE expires < $1 AND (expires < $2 OR expires >= $3)",
            " AND (seen BETWEEN expires - 2 * $4 AND expires OR seen < $5)"
        )
    };
}
pub(super) const FORGET_NONCES: &str = where_passed!("DELETE");
/// SQL divides integers towards zero, but generations are rounded down.
pub(super) const PASSED_NONCES: &str = where_passed!(
    "SELECT DISTINCT CASE WHEN expires < 0 THEN (expires - $6 + 1) / $6 ELSE expires / $6 END AS generation"
);

pub(super) const COUNT_SECRETS: &str = "SELECT COUNT(*) AS total FROM secrets WHERE account = $1 AND region = $2 \
     AND (planned_deletion IS NULL OR planned_deletion > $3)";
pub(super) const LIST_SECRETS: &str = "SELECT name, secret_type, created, updated, planned_deletion FROM secrets \
     WHERE account = $1 AND region = $2 AND (planned_deletion IS NULL OR planned_deletion > $3) \
     ORDER BY created DESC, name LIMIT $4 OFFSET $5";
/// The rows after a given one. The two SELECTs are ranges of the index of this order, so that many secrets of the same
/// instant need not be scanned.
pub(super) const LIST_SECRETS_AFTER: &str = "SELECT name, secret_type, created, updated, planned_deletion FROM secrets \
     WHERE account = $1 AND region = $2 AND (planned_deletion IS NULL OR planned_deletion > $3) \
     AND created = $6 AND name > $7 UNION ALL \
     SELECT name, secret_type, created, updated, planned_deletion FROM secrets \
     WHERE account = $1 AND region = $2 AND (planned_deletion IS NULL OR planned_deletion > $3) \
     AND created < $6 ORDER BY created DESC, name LIMIT $4 OFFSET $5";

pub(super) const LIST_TAGS: &str = "SELECT s.name AS name, t.tag_key AS tag_key, t.tag_value AS tag_value \
     FROM secrets s JOIN tags t ON t.secret_id = s.id WHERE s.account = $1 AND s.region = $2 \
     AND (s.planned_deletion IS NULL OR s.planned_deletion > $3) \
     AND (s.name > $4 OR (s.name = $4 AND t.tag_key > $5)) ORDER BY s.name, t.tag_key LIMIT $6";
pub(super) const NAMES_WITH_TAG: &str = "SELECT s.name AS name FROM tags t JOIN secrets s ON s.id = t.secret_id \
     WHERE s.account = $1 AND s.region = $2 AND s.name > $3 AND t.tag_key = $4 \
     AND (CAST($5 AS TEXT) IS NULL OR t.tag_value = $5) ORDER BY s.name LIMIT $6";

pub(super) const DUE_FOR_PURGE: &str = "SELECT account, region, name FROM secrets WHERE planned_deletion IS NOT NULL \
     AND planned_deletion <= $1 ORDER BY planned_deletion LIMIT $2";
/// When the next recovery window after an instant ends.
pub(super) const PURGE_AFTER: &str = "SELECT planned_deletion FROM secrets WHERE planned_deletion IS NOT NULL \
     AND planned_deletion > $1 ORDER BY planned_deletion LIMIT 1";
pub(super) const NEXT_PURGE: &str = "SELECT planned_deletion FROM secrets WHERE planned_deletion IS NOT NULL \
     ORDER BY planned_deletion LIMIT 1";
/// The last two parameters are the candidate and whether one is kept: without a new one the stored one stays.
pub(super) const PUT_MANAGED: &str = "INSERT INTO managed_secrets (secret_id, extended_config, rotation, interval_s, \
     last_rotation, running, key_window, lease_until, due, candidate_key, candidate) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (secret_id) DO UPDATE SET extended_config = excluded.extended_config, rotation = excluded.rotation, \
     interval_s = excluded.interval_s, last_rotation = excluded.last_rotation, running = excluded.running, \
     key_window = excluded.key_window, lease_until = excluded.lease_until, due = excluded.due, \
     candidate_key = CASE WHEN CAST($12 AS BIGINT) = 1 THEN COALESCE(excluded.candidate_key, managed_secrets.candidate_key) END, \
     candidate = CASE WHEN CAST($12 AS BIGINT) = 1 THEN COALESCE(excluded.candidate, managed_secrets.candidate) END";
pub(super) const SET_TARGET: &str = "UPDATE managed_secrets SET target = $2 WHERE secret_id = $1";
pub(super) const TARGET_TAKEN: &str = "SELECT COUNT(*) AS total FROM managed_secrets WHERE target = $1";
/// Dates by the service's clock, leases by the machine's.
pub(super) const ROTATIONS_DUE: &str = "SELECT s.account, s.region, s.name FROM managed_secrets m \
     JOIN secrets s ON s.id = m.secret_id WHERE (m.due <= $1 OR m.lease_until <= $2) AND s.planned_deletion IS NULL \
     AND (s.account, s.region, s.name) > ($3, $4, $5) ORDER BY s.account, s.region, s.name LIMIT $6";
/// What is due for secrets that are scheduled for deletion waits until they are restored.
pub(super) const NEXT_ROTATION: &str = "SELECT m.due FROM managed_secrets m JOIN secrets s ON s.id = m.secret_id \
     WHERE m.due IS NOT NULL AND s.planned_deletion IS NULL ORDER BY m.due LIMIT 1";
/// A secret that is there already is kept: a state of a key says nothing of it.
pub(super) const PUT_ACCESS_KEY: &str = "INSERT INTO access_keys (id, account, user_name, status, created, own_user, sealed) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET status = excluded.status, \
     sealed = COALESCE(excluded.sealed, access_keys.sealed)";
pub(super) const COUNT_ACCOUNTS_UP: &str = "UPDATE installation SET accounts = accounts + 1";
pub(super) const RESEAL_ACCESS_KEY: &str = "UPDATE access_keys SET sealed = $2 WHERE id = $1";
pub(super) const WALK_SECRETS: &str = "SELECT account, region, name FROM secrets \
     WHERE (account, region, name) > ($1, $2, $3) ORDER BY account, region, name LIMIT $4";

pub(super) const LOAD_KEYS: &str = "SELECT id, owner, spec, usage, origin, protection, state, description, created, \
     deletion, protected, protected_because, material_expires, rotation_interval_ms, last_rotation, imported, policy, \
     revision \
     FROM keys \
     WHERE account = $1 AND region = $2 ORDER BY created, id";
pub(super) const LOAD_KEY_VERSIONS: &str = "SELECT v.key_id, v.number, v.id, v.material, v.created \
     FROM key_versions v JOIN keys k ON k.id = v.key_id WHERE k.account = $1 AND k.region = $2 \
     ORDER BY v.key_id, v.number";
pub(super) const LOAD_KEY_TAGS: &str = "SELECT t.key_id, t.tag_key, t.tag_value FROM key_tags t \
     JOIN keys k ON k.id = t.key_id WHERE k.account = $1 AND k.region = $2";
pub(super) const LOAD_ALIASES: &str =
    "SELECT name, key_id FROM aliases WHERE account = $1 AND region = $2 ORDER BY name";
pub(super) const INSERT_KEY: &str = "INSERT INTO keys (id, revision, state, description, deletion, protected, \
     protected_because, material_expires, rotation_interval_ms, last_rotation, imported, due, policy, account, region, \
     owner, spec, usage, origin, protection, created) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
/// Compare-and-set: affects no row unless the revision is the one before.
pub(super) const UPDATE_KEY: &str = "UPDATE keys SET revision = $2, state = $3, description = $4, deletion = $5, \
     protected = $6, protected_because = $7, material_expires = $8, rotation_interval_ms = $9, last_rotation = $10, \
     imported = $11, due = $12, policy = $13 \
     WHERE id = $1 AND revision = $2 - 1";
pub(super) const SET_KEY_VERSION: &str = "INSERT INTO key_versions (key_id, number, id, material, created) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_id, number) DO UPDATE SET material = excluded.material";
pub(super) const DELETE_KEY_TAGS: &str = "DELETE FROM key_tags WHERE key_id = $1";
pub(super) const INSERT_KEY_TAG: &str =
    "INSERT INTO key_tags (key_id, tag_key, tag_value) VALUES ($1, $2, $3)";
pub(super) const LOCK_KEY: &str = "UPDATE keys SET revision = revision + 1 WHERE id = $1 AND revision = $2";
/// Deletes a key and everything that belongs to it, children first.
pub(super) const DELETE_KEY: [&str; 4] = [
    "DELETE FROM aliases WHERE key_id = $1",
    "DELETE FROM key_tags WHERE key_id = $1",
    "DELETE FROM key_versions WHERE key_id = $1",
    "DELETE FROM keys WHERE id = $1",
];
pub(super) const SET_ALIAS: &str = "INSERT INTO aliases (account, region, name, key_id) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account, region, name) DO UPDATE SET key_id = excluded.key_id";
pub(super) const INSERT_ALIAS: &str =
    "INSERT INTO aliases (account, region, name, key_id) VALUES ($1, $2, $3, $4)";
pub(super) const REMOVE_ALIAS: &str = "DELETE FROM aliases WHERE account = $1 AND region = $2 AND name = $3";
pub(super) const KEY_SCOPES: &str = "SELECT DISTINCT account, region FROM keys";
pub(super) const DUE_KEYS: &str =
    "SELECT DISTINCT account, region FROM keys WHERE due IS NOT NULL AND due <= $1";
pub(super) const NEXT_KEY_DUE: &str = "SELECT due FROM keys WHERE due IS NOT NULL ORDER BY due LIMIT 1";

pub(super) const ACCOUNTS: &str = "SELECT id, sealed FROM accounts ORDER BY id";
pub(super) const PUT_ACCOUNT: &str = "INSERT INTO accounts (id, sealed) VALUES ($1, $2) \
     ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed";
pub(super) const INSERT_ACCOUNT: &str = "INSERT INTO accounts (id, sealed) VALUES ($1, $2)";
pub(super) const DELETE_ACCOUNT: &str = "DELETE FROM accounts WHERE id = $1";
/// Key ids are unique across accounts and regions.
pub(super) const SCOPE_OF_KEY: &str = "SELECT account, region FROM keys WHERE id = $1";
pub(super) const SET_MATERIAL: &str =
    "UPDATE key_versions SET material = $3 WHERE key_id = $1 AND number = $2";
pub(super) const PUT_META: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
pub(super) const META: &str = "SELECT value FROM meta WHERE name = $1";
pub(super) const INSERT_META: &str = "INSERT INTO meta (name, value) VALUES ($1, $2)";

/// The filtered listing. `$each!(n)` is the dialect's expression that reads parameter n, a JSON array of strings, as
/// rows.
macro_rules! filtered {
    ($head:literal, $each:ident, $tail:literal) => {
        concat!(
            $head,
            " FROM secrets s WHERE s.account = $1 AND s.region = $2",
            " AND (s.planned_deletion IS NULL OR s.planned_deletion > $3)",
            " AND (CAST($4 AS TEXT) IS NULL OR s.name IN ",
            $each!(4),
            ") AND (CAST($5 AS TEXT) IS NULL OR s.description IN ",
            $each!(5),
            ") AND (CAST($6 AS TEXT) IS NULL OR LOWER(s.secret_type) IN ",
            $each!(6),
            ") AND (CAST($7 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM tags t WHERE t.secret_id = s.id",
            " AND t.tag_key IN ",
            $each!(7),
            ")) AND (CAST($8 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM tags t WHERE t.secret_id = s.id",
            " AND t.tag_value IN ",
            $each!(8),
            "))",
            $tail
        )
    };
}

/// Rows whose owner does not exist, one row of text for each. The databases refuse them, unless somebody writes to the file or drops
/// a constraint.
pub(super) const ORPHANS: &str = "SELECT 'label ' || l.label || ' of secret ' || l.secret_id || ' is on version ' || l.version_id || ', which does not exist' AS finding \
     FROM secret_labels l LEFT JOIN secret_versions v ON v.secret_id = l.secret_id AND v.version_id = l.version_id WHERE v.version_id IS NULL \
     UNION ALL SELECT 'version ' || v.version_id || ' belongs to secret ' || v.secret_id || ', which does not exist' AS finding \
     FROM secret_versions v LEFT JOIN secrets s ON s.id = v.secret_id WHERE s.id IS NULL \
     UNION ALL SELECT 'version ' || v.version_id || ' of secret ' || v.secret_id || ' is sealed by data key ' || v.data_key_id || ', which does not exist' AS finding \
     FROM secret_versions v LEFT JOIN data_keys d ON d.secret_id = v.secret_id AND d.id = v.data_key_id WHERE d.id IS NULL \
     UNION ALL SELECT 'label ' || l.label || ' belongs to secret ' || l.secret_id || ', which does not exist' AS finding \
     FROM secret_labels l LEFT JOIN secrets s ON s.id = l.secret_id WHERE s.id IS NULL \
     UNION ALL SELECT 'data key ' || d.id || ' belongs to secret ' || d.secret_id || ', which does not exist' AS finding \
     FROM data_keys d LEFT JOIN secrets s ON s.id = d.secret_id WHERE s.id IS NULL \
     UNION ALL SELECT 'tag ' || t.tag_key || ' belongs to secret ' || t.secret_id || ', which does not exist' AS finding \
     FROM tags t LEFT JOIN secrets s ON s.id = t.secret_id WHERE s.id IS NULL \
     UNION ALL SELECT 'rotation plan belongs to secret ' || m.secret_id || ', which does not exist' AS finding \
     FROM managed_secrets m LEFT JOIN secrets s ON s.id = m.secret_id WHERE s.id IS NULL \
     UNION ALL SELECT 'version ' || v.id || ' belongs to key ' || v.key_id || ', which does not exist' AS finding \
     FROM key_versions v LEFT JOIN keys k ON k.id = v.key_id WHERE k.id IS NULL \
     UNION ALL SELECT 'tag ' || t.tag_key || ' belongs to key ' || t.key_id || ', which does not exist' AS finding \
     FROM key_tags t LEFT JOIN keys k ON k.id = t.key_id WHERE k.id IS NULL \
     UNION ALL SELECT 'alias ' || a.name || ' belongs to key ' || a.key_id || ', which does not exist' AS finding \
     FROM aliases a LEFT JOIN keys k ON k.id = a.key_id WHERE k.id IS NULL";

/// The statements of a dialect that read JSON arrays: the filtered count and page, and the tags of named secrets.
macro_rules! per_dialect {
    ($each:ident) => {
        const COUNT_FILTERED: &'static str =
            $crate::store::sql::statements::filtered!("SELECT COUNT(*) AS total", $each, "");
        const LIST_FILTERED: &'static str = $crate::store::sql::statements::filtered!(
            "SELECT s.name AS name, s.secret_type AS secret_type, s.created AS created, s.updated AS updated, \
             s.planned_deletion AS planned_deletion",
            $each,
            " ORDER BY s.created DESC, s.name LIMIT $9 OFFSET $10"
        );
        const TAGS_OF: &'static str = concat!(
            "SELECT s.name AS name, t.tag_key AS tag_key, t.tag_value AS tag_value FROM secrets s ",
            "JOIN tags t ON t.secret_id = s.id WHERE s.account = $1 AND s.region = $2 AND s.name IN ",
            $each!(3),
            " ORDER BY s.name, t.tag_key"
        );
    };
}

pub(super) use {filtered, per_dialect};
