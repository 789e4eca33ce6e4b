-- 0002: renewal: the policy of each certificate, and the facts that decide when its successor is ordered.

ALTER TABLE certificates ADD COLUMN auto_renew BIGINT NOT NULL DEFAULT 1;
ALTER TABLE certificates ADD COLUMN paused_at BIGINT;                       -- NULL: not paused
ALTER TABLE certificates ADD COLUMN renew_before TEXT NOT NULL DEFAULT '';  -- "30d", "1/3"; '' = Reeve's own rule

ALTER TABLE versions ADD COLUMN ari_id TEXT NOT NULL DEFAULT '';            -- RFC 9773 4.1; '' = the CA cannot be asked

-- One row per certificate with a version, begun anew with each version.
CREATE TABLE renewals (
	certificate_id  TEXT PRIMARY KEY REFERENCES certificates(id),
	position        BIGINT NOT NULL,            -- 0..999999, drawn once per version: where in the spread it renews
	window_start_at BIGINT,                     -- the CA's suggestion; NULL = none known
	window_end_at   BIGINT,
	drawn_at        BIGINT,                     -- the moment drawn in the window
	explanation_url TEXT NOT NULL DEFAULT '',
	asked_at        BIGINT,                     -- last answer of the CA
	ask_at          BIGINT NOT NULL,            -- when the CA is asked next
	ask_failures    BIGINT NOT NULL DEFAULT 0,
	finding         TEXT NOT NULL DEFAULT '',   -- why there is no window, or no newer one
	failures        BIGINT NOT NULL DEFAULT 0,  -- orders that failed since the version was stored
	retry_at        BIGINT,                     -- no automatic order before this time
	early           BIGINT NOT NULL DEFAULT 0   -- renewals in a row that came in the first third of a life
);

-- What was issued before: a row and a job each; the position is as good as drawn.
INSERT INTO renewals (certificate_id, position, ask_at)
	SELECT id, (created_at * 7919) % 1000000, 0 FROM certificates WHERE version > 0;
INSERT INTO jobs (kind, subject, order_id, project_id, step, state, wake_at, created_at)
	SELECT 'renewal-info', id, '', project_id, 'look', 'active', 0, created_at FROM certificates WHERE version > 0;
