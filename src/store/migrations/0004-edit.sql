-- 0004: what a certificate is can be edited; whose key it has; a second authority; what a version was issued as.

ALTER TABLE certificates ADD COLUMN key_policy TEXT NOT NULL DEFAULT 'new';   -- new, reuse
ALTER TABLE certificates ADD COLUMN csr @BLOB@;                               -- a user's request, DER; NULL = Reeve makes the keys
ALTER TABLE certificates ADD COLUMN csr_spki TEXT NOT NULL DEFAULT '';        -- its public key, as versions.spki_sha256
ALTER TABLE certificates ADD COLUMN fallback_id TEXT NOT NULL DEFAULT '';     -- the second authority; '' = none
ALTER TABLE certificates ADD COLUMN fallback_after TEXT NOT NULL DEFAULT '';  -- "12h", "2d"; '' = Reeve's own rule

ALTER TABLE versions ADD COLUMN authority_id TEXT NOT NULL DEFAULT '';        -- who issues, or issued it
ALTER TABLE versions ADD COLUMN names TEXT NOT NULL DEFAULT '';               -- space separated, as ordered
ALTER TABLE versions ADD COLUMN key_compromised_at BIGINT;                    -- NULL: nobody said so

-- Until now nothing could be edited.
UPDATE versions SET
	authority_id = (SELECT c.authority_id FROM certificates c WHERE c.id = versions.certificate_id),
	names = (SELECT c.names FROM certificates c WHERE c.id = versions.certificate_id);

CREATE INDEX versions_compromised ON versions(spki_sha256) WHERE key_compromised_at IS NOT NULL;
