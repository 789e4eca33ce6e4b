-- 0001: the first tables. Times are Unix milliseconds UTC. @BLOB@ and @IDENTITY@ are replaced by the driver.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE seals (
	id           TEXT PRIMARY KEY,
	provider     TEXT NOT NULL,
	wrapped_root @BLOB@ NOT NULL,
	created_at   BIGINT NOT NULL
);

CREATE TABLE projects (
	id         TEXT PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	created_at BIGINT NOT NULL
);

-- Random, not derived: deleting the wraps of a project destroys its records.
CREATE TABLE project_keys (
	key_id     BIGINT PRIMARY KEY,
	project_id TEXT NOT NULL REFERENCES projects(id),
	wrapped    @BLOB@ NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE tokens (
	id          TEXT PRIMARY KEY,   -- the public part of the token
	project_id  TEXT NOT NULL REFERENCES projects(id),
	name        TEXT NOT NULL,
	role        TEXT NOT NULL,
	digest      @BLOB@ NOT NULL,
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL,
	revoked_at  BIGINT,
	row_version BIGINT NOT NULL,
	mac         @BLOB@ NOT NULL
);
CREATE UNIQUE INDEX tokens_name ON tokens(project_id, name) WHERE revoked_at IS NULL;

CREATE TABLE connections (
	id         TEXT PRIMARY KEY,
	project_id TEXT REFERENCES projects(id), -- NULL: serves every project (the built-in zones)
	provider   TEXT NOT NULL,
	name       TEXT NOT NULL,
	zone       TEXT NOT NULL,
	is_default BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	removed_at BIGINT
);
CREATE UNIQUE INDEX connections_name ON connections(provider, name) WHERE removed_at IS NULL AND project_id IS NULL;

CREATE TABLE authorities (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL REFERENCES projects(id),
	name            TEXT NOT NULL,
	directory_url   TEXT NOT NULL,
	email           TEXT NOT NULL,
	eab_kid         TEXT NOT NULL,      -- '' without external account binding
	eab_hmac        @BLOB@,             -- sealed
	ca_pem          TEXT NOT NULL,      -- '' = the system's trust store
	allow_addresses TEXT NOT NULL,      -- CIDRs, comma separated
	is_default      BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	removed_at      BIGINT,
	row_version     BIGINT NOT NULL,
	mac             @BLOB@ NOT NULL
);
CREATE UNIQUE INDEX authorities_name ON authorities(project_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX authorities_default ON authorities(project_id) WHERE is_default = 1 AND removed_at IS NULL;

CREATE TABLE accounts (
	id           TEXT PRIMARY KEY,
	project_id   TEXT NOT NULL REFERENCES projects(id),
	authority_id TEXT NOT NULL REFERENCES authorities(id),
	status       TEXT NOT NULL,      -- key, sent, valid, refused
	url          TEXT NOT NULL,      -- '' until the CA answered
	key_blob     @BLOB@ NOT NULL,    -- sealed
	jwk          TEXT NOT NULL,
	thumbprint   TEXT NOT NULL,
	hosts        TEXT NOT NULL,      -- space separated; also sealed inside the key
	problem      TEXT NOT NULL DEFAULT '',
	row_version  BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	UNIQUE (project_id, authority_id)
);

-- Every owner name a project was ever given: never reused, never shared between projects.
CREATE TABLE targets (
	owner      TEXT PRIMARY KEY,
	project_id TEXT NOT NULL REFERENCES projects(id),
	kind       TEXT NOT NULL,        -- generated, named
	created_at BIGINT NOT NULL
);

CREATE TABLE delegations (
	id            TEXT PRIMARY KEY,
	project_id    TEXT NOT NULL REFERENCES projects(id),
	name          TEXT NOT NULL,     -- base name, no wildcard
	target        TEXT NOT NULL REFERENCES targets(owner),
	kind          TEXT NOT NULL,     -- generated, named
	connection_id TEXT NOT NULL REFERENCES connections(id),
	health        TEXT NOT NULL,     -- planned, published, verified, broken
	verified_at   BIGINT,
	checked_at    BIGINT,
	problem       TEXT NOT NULL DEFAULT '',
	finding       TEXT NOT NULL DEFAULT '',
	created_at    BIGINT NOT NULL,
	removed_at    BIGINT,
	row_version   BIGINT NOT NULL,
	mac           @BLOB@ NOT NULL
);
CREATE UNIQUE INDEX delegations_target ON delegations(project_id, name, target) WHERE removed_at IS NULL;

CREATE TABLE certificates (
	id           TEXT PRIMARY KEY,
	project_id   TEXT NOT NULL REFERENCES projects(id),
	name         TEXT NOT NULL,      -- the first name
	names        TEXT NOT NULL,      -- space separated, as asked for
	authority_id TEXT NOT NULL REFERENCES authorities(id),
	key_type     TEXT NOT NULL,
	facade       TEXT NOT NULL,      -- what CertMate's members said, as JSON; '' from /v1
	version      BIGINT NOT NULL,    -- number of the version served, 0 = none yet
	created_at   BIGINT NOT NULL,
	row_version  BIGINT NOT NULL
);
CREATE INDEX certificates_name ON certificates(project_id, name);
CREATE INDEX certificates_page ON certificates(project_id, id);

-- Where the challenges of each name are written; explicit targets are kept for renewal.
CREATE TABLE certificate_routes (
	certificate_id TEXT NOT NULL REFERENCES certificates(id),
	name           TEXT NOT NULL,    -- base name
	delegation_id  TEXT NOT NULL REFERENCES delegations(id),
	PRIMARY KEY (certificate_id, name)
);

CREATE INDEX certificate_routes_delegation ON certificate_routes(delegation_id);

CREATE TABLE versions (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL REFERENCES projects(id),
	certificate_id TEXT NOT NULL REFERENCES certificates(id),
	number         BIGINT NOT NULL,
	key_blob       @BLOB@ NOT NULL,  -- sealed
	key_type       TEXT NOT NULL,
	spki_sha256    TEXT NOT NULL,
	chain_pem      TEXT NOT NULL DEFAULT '',
	serial         TEXT NOT NULL DEFAULT '',
	not_before_at  BIGINT,
	not_after_at   BIGINT,
	issued_at      BIGINT,           -- NULL until stored
	created_at     BIGINT NOT NULL,
	row_version    BIGINT NOT NULL,
	UNIQUE (certificate_id, number)
);

CREATE TABLE orders (
	id              TEXT PRIMARY KEY,
	project_id      TEXT NOT NULL REFERENCES projects(id),
	certificate_id  TEXT NOT NULL REFERENCES certificates(id),
	version_id      TEXT NOT NULL DEFAULT '',
	authority_id    TEXT NOT NULL REFERENCES authorities(id),
	account_id      TEXT NOT NULL DEFAULT '',
	status          TEXT NOT NULL,   -- running, issued, failed, cancelled
	step            TEXT NOT NULL,   -- copy of the job's, for readers
	order_url       TEXT NOT NULL DEFAULT '',
	finalize_url    TEXT NOT NULL DEFAULT '',
	certificate_url TEXT NOT NULL DEFAULT '',
	csr             @BLOB@,
	new_orders      BIGINT NOT NULL DEFAULT 0,  -- newOrder requests meant to be sent
	requests        BIGINT NOT NULL DEFAULT 0,  -- ACME requests sent
	problem         TEXT NOT NULL DEFAULT '',
	detail          TEXT NOT NULL DEFAULT '',
	hint            TEXT NOT NULL DEFAULT '',
	next_try_at     BIGINT,
	created_at      BIGINT NOT NULL,
	ended_at        BIGINT,
	row_version     BIGINT NOT NULL
);
-- One live order per certificate.
CREATE UNIQUE INDEX orders_live ON orders(certificate_id) WHERE status = 'running';
CREATE INDEX orders_url ON orders(order_url) WHERE status = 'running';
CREATE INDEX orders_certificate ON orders(certificate_id, created_at);
CREATE INDEX orders_project ON orders(project_id, created_at);

CREATE TABLE authorizations (
	id            @IDENTITY@,
	order_id      TEXT NOT NULL REFERENCES orders(id),
	url           TEXT NOT NULL,
	name          TEXT NOT NULL DEFAULT '',  -- base name
	wildcard      BIGINT NOT NULL DEFAULT 0,
	status        TEXT NOT NULL,     -- pending, responded, valid, invalid
	challenge_url TEXT NOT NULL DEFAULT '',
	value         TEXT NOT NULL DEFAULT '',  -- the TXT value
	owner         TEXT NOT NULL DEFAULT '',
	connection_id TEXT NOT NULL DEFAULT '',
	responded_at  BIGINT,
	UNIQUE (order_id, url)
);

CREATE TABLE jobs (
	id          @IDENTITY@,
	kind        TEXT NOT NULL,       -- account, order, authorization, cleanup, delegation-check
	subject     TEXT NOT NULL,       -- id of the row the job is about
	order_id    TEXT NOT NULL DEFAULT '',
	project_id  TEXT NOT NULL,
	step        TEXT NOT NULL,
	state       TEXT NOT NULL,       -- active, done, failed
	attempts    BIGINT NOT NULL DEFAULT 0,  -- failures of the present step
	claims      BIGINT NOT NULL DEFAULT 0,  -- claims without an outcome
	fence       BIGINT NOT NULL DEFAULT 0,
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0,
	wake_at     BIGINT NOT NULL,     -- of a claimed job: the earliest wake-up asked for meanwhile
	due_at      BIGINT NOT NULL DEFAULT 0,  -- of a claimed job: its wake_at when it was claimed
	created_at  BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs(wake_at) WHERE state = 'active';
CREATE INDEX jobs_leased ON jobs(lease_until) WHERE state = 'active' AND lease_owner <> '';
CREATE UNIQUE INDEX jobs_live ON jobs(kind, subject) WHERE state = 'active';
CREATE INDEX jobs_order ON jobs(order_id);

-- The ledger: a TXT value we mean to have, have, or must remove.
CREATE TABLE txt_records (
	id               @IDENTITY@,
	connection_id    TEXT NOT NULL REFERENCES connections(id),
	zone             TEXT NOT NULL,
	owner            TEXT NOT NULL,
	value            TEXT NOT NULL,
	order_id         TEXT NOT NULL REFERENCES orders(id),
	authorization_id BIGINT NOT NULL,
	state            TEXT NOT NULL,  -- intent, live, removing, gone
	intent_at        BIGINT NOT NULL,
	live_at          BIGINT,
	gone_at          BIGINT,
	seen_at          BIGINT,
	seen_networks    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX txt_records_value ON txt_records(connection_id, zone, owner, value) WHERE state <> 'gone';
CREATE INDEX txt_records_order ON txt_records(order_id);
CREATE INDEX txt_records_owner ON txt_records(owner) WHERE state <> 'gone';

CREATE TABLE history (
	id       @IDENTITY@,
	order_id TEXT NOT NULL,
	job_id   BIGINT NOT NULL,
	kind     TEXT NOT NULL,
	step     TEXT NOT NULL,
	outcome  TEXT NOT NULL,          -- done, wait, retry, fail, note
	at       BIGINT NOT NULL,
	text     TEXT NOT NULL
);
CREATE INDEX history_order ON history(order_id, id);

CREATE TABLE audit (
	id         @IDENTITY@,
	at         BIGINT NOT NULL,
	project_id TEXT NOT NULL,
	principal  TEXT NOT NULL,
	action     TEXT NOT NULL,
	object     TEXT NOT NULL,
	detail     TEXT NOT NULL
);
