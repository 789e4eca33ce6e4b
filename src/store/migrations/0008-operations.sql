-- 0007: what people ask of a CA beside certificates, what they wish of an order, and revocation.

-- One row each time: a test of an authority, an account looked up, changed, rolled over or deactivated, a revocation.
CREATE TABLE operations (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL REFERENCES projects(id),
	kind           TEXT NOT NULL,
	subject        TEXT NOT NULL,      -- at most one of them runs per subject
	authority_id   TEXT NOT NULL REFERENCES authorities(id),
	certificate_id TEXT NOT NULL,      -- '' = none; likewise the version
	version_id     TEXT NOT NULL,
	state          TEXT NOT NULL,      -- queued, sent, done, failed
	request        TEXT NOT NULL,      -- JSON
	report         TEXT NOT NULL,      -- JSON, '' until done
	key_blob       @BLOB@,             -- sealed: the new key of a rollover
	jwk            TEXT NOT NULL,
	thumbprint     TEXT NOT NULL,
	problem        TEXT NOT NULL,
	detail         TEXT NOT NULL,
	hint           TEXT NOT NULL,
	next_try_at    BIGINT,
	created_at     BIGINT NOT NULL,
	ended_at       BIGINT
);
CREATE UNIQUE INDEX operations_live ON operations(subject) WHERE ended_at IS NULL;
CREATE INDEX operations_project ON operations(project_id, created_at);

-- None of these grants power, so none is under the MAC of its row.
ALTER TABLE authorities ADD COLUMN preset TEXT NOT NULL DEFAULT '';     -- acme/preset.h; '' = by the URL, or none
ALTER TABLE authorities ADD COLUMN profile TEXT NOT NULL DEFAULT '';    -- for certificates that name none
ALTER TABLE authorities ADD COLUMN chain TEXT NOT NULL DEFAULT '';      -- likewise
ALTER TABLE certificates ADD COLUMN profile TEXT NOT NULL DEFAULT '';   -- '' = the authority's
ALTER TABLE certificates ADD COLUMN chain TEXT NOT NULL DEFAULT '';     -- a root's name, 'shortest', '' = the authority's
ALTER TABLE certificates ADD COLUMN valid_s BIGINT NOT NULL DEFAULT 0;  -- notAfter asked for; 0 = the CA's choice

ALTER TABLE versions ADD COLUMN revoked_at BIGINT;
ALTER TABLE versions ADD COLUMN revoked_reason BIGINT NOT NULL DEFAULT 0; -- CRLReason, RFC 5280 5.3.1
