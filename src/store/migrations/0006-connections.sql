-- 0005: connections with credentials, and the zone that a route is written in.

ALTER TABLE connections ADD COLUMN zone_id TEXT NOT NULL DEFAULT '';         -- the provider's own name of the zone
ALTER TABLE connections ADD COLUMN base_url TEXT NOT NULL DEFAULT '';        -- '' = the recipe's
ALTER TABLE connections ADD COLUMN proxy TEXT NOT NULL DEFAULT '';           -- http://host:port
ALTER TABLE connections ADD COLUMN ca_pem TEXT NOT NULL DEFAULT '';          -- '' = the system's trust store
ALTER TABLE connections ADD COLUMN allow_addresses TEXT NOT NULL DEFAULT ''; -- CIDRs, comma separated
ALTER TABLE connections ADD COLUMN fields TEXT NOT NULL DEFAULT '';          -- names of the credentials given, space separated
ALTER TABLE connections ADD COLUMN credentials @BLOB@;                       -- sealed to this row and the settings above
ALTER TABLE connections ADD COLUMN row_version BIGINT NOT NULL DEFAULT 1;    -- moves with the credentials only
ALTER TABLE connections ADD COLUMN health TEXT NOT NULL DEFAULT '';          -- '', good, bad
ALTER TABLE connections ADD COLUMN problem TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN finding TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN checked_at BIGINT;
CREATE UNIQUE INDEX connections_project ON connections(project_id, name) WHERE removed_at IS NULL AND project_id IS NOT NULL;
CREATE UNIQUE INDEX connections_default ON connections(project_id, provider)
	WHERE is_default = 1 AND removed_at IS NULL AND project_id IS NOT NULL;

-- "ZONE", "ZONE/ID" or '' for the connection's own; an authority may name another zone than its connection.
ALTER TABLE delegations ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE authorizations ADD COLUMN zone TEXT NOT NULL DEFAULT '';

-- Where the challenges of an authority's orders are written when nothing else says so.
ALTER TABLE authorities ADD COLUMN connection_id TEXT NOT NULL DEFAULT '';
ALTER TABLE authorities ADD COLUMN zone TEXT NOT NULL DEFAULT '';
