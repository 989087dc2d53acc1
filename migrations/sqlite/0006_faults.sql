-- Rules of faults that were put at run time, as JSON; NULL means those of the configuration file. `faults` counts the changes.
ALTER TABLE installation ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installation ADD COLUMN fault_rules TEXT;
