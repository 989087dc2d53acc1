-- Accounts that were put at run time: users, groups, roles, policies, access keys, all of it sealed by the root key.
CREATE TABLE accounts (
    id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- Policies of secrets and keys; NULL is the default policy (rule 10.2).
ALTER TABLE secrets ADD COLUMN policy TEXT;
ALTER TABLE keys ADD COLUMN policy TEXT;
