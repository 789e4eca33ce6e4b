-- 0009: how often a value was written again, and what uses a connection, without reading all rows.

ALTER TABLE authorizations ADD COLUMN republished BIGINT NOT NULL DEFAULT 0; -- the value was gone before the CA was told
CREATE INDEX authorizations_waiting ON authorizations(connection_id) WHERE status = 'pending';
CREATE INDEX delegations_connection ON delegations(connection_id) WHERE removed_at IS NULL;
