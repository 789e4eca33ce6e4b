-- 0007: who is told when something happens, what happened, and each message about it.

CREATE TABLE notifiers (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL REFERENCES projects(id),
	name           TEXT NOT NULL,
	kind           TEXT NOT NULL,       -- webhook, smtp
	settings       TEXT NOT NULL,       -- JSON
	events         TEXT NOT NULL,       -- space separated; '' = what asks for a person
	secret         @BLOB@,              -- sealed: signs webhooks, or is the password at the mail server
	secret_version BIGINT NOT NULL,     -- row_version it was sealed for
	created_at     BIGINT NOT NULL,
	removed_at     BIGINT,
	dropped        BIGINT NOT NULL DEFAULT 0,  -- messages that found the queue full, since it was last told
	row_version    BIGINT NOT NULL,
	mac            @BLOB@ NOT NULL
);
CREATE UNIQUE INDEX notifiers_name ON notifiers(project_id, name) WHERE removed_at IS NULL;

-- What is wrong now: a row while it is. The same again is told again only after a while.
CREATE TABLE conditions (
	project_id TEXT NOT NULL REFERENCES projects(id),
	key        TEXT NOT NULL,
	state      TEXT NOT NULL,
	told_at    BIGINT NOT NULL,
	PRIMARY KEY (project_id, key)
);

CREATE TABLE events (
	id             TEXT PRIMARY KEY,
	project_id     TEXT NOT NULL REFERENCES projects(id),
	kind           TEXT NOT NULL,
	state          TEXT NOT NULL,       -- happened, again (a reminder), over
	name           TEXT NOT NULL,       -- what it is about, for people
	certificate_id TEXT NOT NULL,
	order_id       TEXT NOT NULL,
	authority      TEXT NOT NULL,       -- its name
	version        BIGINT NOT NULL,
	not_after_at   BIGINT,
	problem        TEXT NOT NULL,
	detail         TEXT NOT NULL,
	hint           TEXT NOT NULL,
	url            TEXT NOT NULL,
	next_try_at    BIGINT,
	at             BIGINT NOT NULL
);
CREATE INDEX events_at ON events(at);

CREATE TABLE notifications (
	id          @IDENTITY@,
	notifier_id TEXT NOT NULL REFERENCES notifiers(id),
	event_id    TEXT NOT NULL REFERENCES events(id),
	recipient   TEXT NOT NULL,          -- of a mail whose notifier names none
	state       TEXT NOT NULL,          -- queued, sending, waiting, sent, failed, cancelled
	message_id  TEXT NOT NULL DEFAULT '',  -- what is sent as one message, each time it is tried
	attempts    BIGINT NOT NULL DEFAULT 0,
	problem     TEXT NOT NULL DEFAULT '',
	detail      TEXT NOT NULL DEFAULT '',  -- what the other side answered
	hint        TEXT NOT NULL DEFAULT '',
	next_try_at BIGINT,
	created_at  BIGINT NOT NULL,
	ended_at    BIGINT
);
CREATE INDEX notifications_open ON notifications(notifier_id, id) WHERE ended_at IS NULL;
CREATE INDEX notifications_ended ON notifications(notifier_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX notifications_event ON notifications(event_id);
