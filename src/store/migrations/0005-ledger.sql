-- 0004: what the ledger owes and why, and who may write at an owner name just now.

ALTER TABLE txt_records ADD COLUMN retired_at BIGINT;                   -- it should be gone since then; NULL = not yet
ALTER TABLE txt_records ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;  -- removals that failed
ALTER TABLE txt_records ADD COLUMN retry_at BIGINT;                     -- of a debt: when it is tried again; NULL = given up
ALTER TABLE txt_records ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE txt_records ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE txt_records ADD COLUMN hint TEXT NOT NULL DEFAULT '';
UPDATE txt_records SET retired_at = intent_at WHERE state = 'removing';

-- States: intent, live, removing, debt, gone, superseded. gone_at is the end of a row, in whichever of the last two.
DROP INDEX txt_records_value;
DROP INDEX txt_records_owner;
CREATE UNIQUE INDEX txt_records_value ON txt_records(connection_id, zone, owner, value) WHERE gone_at IS NULL;
CREATE INDEX txt_records_owner ON txt_records(owner) WHERE gone_at IS NULL;
CREATE INDEX txt_records_owed ON txt_records(retired_at) WHERE gone_at IS NULL AND retired_at IS NOT NULL;

-- '' = of the whole project; else the token reads the bundle of this certificate and does nothing else.
ALTER TABLE tokens ADD COLUMN certificate_id TEXT NOT NULL DEFAULT '';

-- One job at a time changes the values at an owner name, where the provider changes whole sets.
CREATE TABLE owner_leases (
	connection_id TEXT NOT NULL,
	zone          TEXT NOT NULL,
	owner         TEXT NOT NULL,
	job_id        BIGINT NOT NULL,
	lease_until   BIGINT NOT NULL,
	PRIMARY KEY (connection_id, zone, owner)
);
CREATE INDEX owner_leases_job ON owner_leases(job_id);
