-- Why a key's deletion is refused (DeletionProtectionDescription).
ALTER TABLE keys ADD COLUMN protected_because TEXT NOT NULL DEFAULT '';
