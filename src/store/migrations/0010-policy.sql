-- 0009: failure policy, the limits of CAs, rehearsals; and until when a wait in a timeline lasts.

ALTER TABLE history ADD COLUMN until_at BIGINT;      -- of a wait or a retry; NULL: until it is woken

-- What failed, for each name of a certificate at an authority; '' is the order as a whole. Gone after a success.
CREATE TABLE failures (
	certificate_id TEXT NOT NULL REFERENCES certificates(id),
	authority_id   TEXT NOT NULL REFERENCES authorities(id),
	identifier     TEXT NOT NULL,
	failures       BIGINT NOT NULL,    -- in a row
	validations    BIGINT NOT NULL,    -- of these: validations the CA refused
	class          TEXT NOT NULL,      -- now, later, stated, change, person, never
	next_at        BIGINT,             -- nothing by itself before; NULL: not before a person says so
	problem        TEXT NOT NULL,
	detail         TEXT NOT NULL,
	failed_at      BIGINT NOT NULL,
	rehearsed_at   BIGINT,             -- the last rehearsal that passed
	PRIMARY KEY (certificate_id, authority_id, identifier)
);

-- One token bucket of a CA's limit (GCRA), and what the CA itself said about it.
CREATE TABLE ca_buckets (
	scope      TEXT NOT NULL,          -- id of the authority (its account), or the directory URL (all accounts)
	name       TEXT NOT NULL,          -- new-orders, certificates-per-domain, …
	key        TEXT NOT NULL,          -- '', a registered domain, a name, a set of names
	full_at    BIGINT NOT NULL,        -- when it is full again: the theoretical arrival time
	held_until BIGINT NOT NULL,        -- the CA said so; INT64_MAX: until a person resumes
	held_problem TEXT NOT NULL,        -- its code: rateLimited, serverInternal
	held_text  TEXT NOT NULL,
	held_url   TEXT NOT NULL,          -- the page that ends a pause
	issued_at  BIGINT NOT NULL,        -- last certificate for this set of names
	expires_at BIGINT NOT NULL,        -- the row says nothing any more
	PRIMARY KEY (scope, name, key)
);
CREATE INDEX ca_buckets_expired ON ca_buckets(expires_at);

-- What an order took from a bucket and gives back when it ends without a certificate.
CREATE TABLE order_charges (
	order_id TEXT NOT NULL REFERENCES orders(id),
	scope    TEXT NOT NULL,
	name     TEXT NOT NULL,
	key      TEXT NOT NULL,
	cost_ms  BIGINT NOT NULL,
	PRIMARY KEY (order_id, scope, name, key)
);

CREATE TABLE authority_policies (
	authority_id   TEXT PRIMARY KEY REFERENCES authorities(id),
	staging_id     TEXT NOT NULL,      -- the authority that orders are rehearsed at; '' = none
	rehearse_after BIGINT NOT NULL,    -- failed validations in a row; 0: never
	limits         TEXT NOT NULL,      -- what differs from the known limits of this CA
	row_version    BIGINT NOT NULL,
	mac            @BLOB@ NOT NULL
);

-- A certificate of this table is none: its order goes to the staging directory and what comes back is discarded.
CREATE TABLE rehearsals (
	certificate_id TEXT PRIMARY KEY REFERENCES certificates(id),
	order_id       TEXT NOT NULL REFERENCES orders(id),
	waiting_id     TEXT NOT NULL,      -- the order that waits for it; '' = somebody asked for it
	created_at     BIGINT NOT NULL
);
CREATE INDEX rehearsals_waiting ON rehearsals(waiting_id) WHERE waiting_id <> '';
