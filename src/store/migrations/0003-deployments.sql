-- 0003: where certificates go, and each time one went there.

CREATE TABLE deployments (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL REFERENCES projects(id),
	name           TEXT NOT NULL,
	certificate_id TEXT NOT NULL,      -- '' = every certificate of the project
	kind           TEXT NOT NULL,      -- files, hook, webhook
	settings       TEXT NOT NULL,      -- JSON
	secret         @BLOB@,             -- sealed: signs webhooks
	created_at     BIGINT NOT NULL,
	removed_at     BIGINT,
	row_version    BIGINT NOT NULL,
	mac            @BLOB@ NOT NULL
);
CREATE UNIQUE INDEX deployments_name ON deployments(project_id, name) WHERE removed_at IS NULL;
CREATE INDEX deployments_certificate ON deployments(project_id, certificate_id) WHERE removed_at IS NULL;

CREATE TABLE deliveries (
	id             TEXT PRIMARY KEY,
	deployment_id  TEXT NOT NULL REFERENCES deployments(id),
	project_id     TEXT NOT NULL REFERENCES projects(id),
	certificate_id TEXT NOT NULL REFERENCES certificates(id),
	version_id     TEXT NOT NULL REFERENCES versions(id),
	number         BIGINT NOT NULL,    -- of the version
	order_id       TEXT NOT NULL,      -- whose timeline tells of it; '' = none
	event          TEXT NOT NULL,      -- created, renewed, manual
	dry_run        BIGINT NOT NULL,
	state          TEXT NOT NULL,      -- queued, running, waiting, probing, done, failed, superseded, cancelled
	attempts       BIGINT NOT NULL DEFAULT 0,
	exit_code      BIGINT,             -- of a hook
	output         TEXT NOT NULL DEFAULT '',
	problem        TEXT NOT NULL DEFAULT '',
	detail         TEXT NOT NULL DEFAULT '',
	hint           TEXT NOT NULL DEFAULT '',
	next_try_at    BIGINT,
	started_at     BIGINT,
	deployed_at    BIGINT,             -- the target confirmed it; NULL again after a rollback
	seen_at        BIGINT,             -- the endpoint served it
	created_at     BIGINT NOT NULL,
	ended_at       BIGINT
);
-- Once per version, however often the step that stores it runs.
CREATE UNIQUE INDEX deliveries_once ON deliveries(deployment_id, version_id) WHERE event <> 'manual';
CREATE INDEX deliveries_target ON deliveries(deployment_id, certificate_id, created_at);
CREATE INDEX deliveries_running ON deliveries(deployment_id, certificate_id) WHERE state IN ('running', 'probing');
