-- With the planned deletion at its end a page far behind, and the number of all, are found in the index alone.
DROP INDEX secrets_newest;
CREATE INDEX secrets_newest ON secrets (account, region, created DESC, name, planned_deletion);
