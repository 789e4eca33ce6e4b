/*
 * Managed certificates, where their challenges are written, and their numbered versions.
 */
#include "store/certificate.h"

#include "store/rows.h"

#define CERTIFICATE_COLUMNS                                                                        \
	"id, project_id, name, names, authority_id, key_type, facade, version, created_at, row_version," \
	" auto_renew, paused_at, renew_before, key_policy, csr_spki, fallback_id, fallback_after, profile, chain, valid_s"

static bool certificate_read(const struct db_row *row, void *arg)
{
	struct rows        *rows = arg;
	struct arena       *a = rows->a;
	struct certificate *c = rows_add(rows);

	c->id = db_text(row, 0, a);
	c->project_id = db_text(row, 1, a);
	c->name = db_text(row, 2, a);
	c->names = db_text(row, 3, a);
	c->authority_id = db_text(row, 4, a);
	c->key_type = db_text(row, 5, a);
	c->facade = db_text(row, 6, a);
	c->version = db_int(row, 7);
	c->created_at = db_int(row, 8);
	c->row_version = db_int(row, 9);
	c->auto_renew = db_int(row, 10) != 0;
	c->paused_at = db_int(row, 11);
	c->renew_before = db_text(row, 12, a);
	c->key_policy = db_text(row, 13, a);
	c->csr_spki = db_text(row, 14, a);
	c->fallback_id = db_text(row, 15, a);
	c->fallback_after = db_text(row, 16, a);
	c->profile = db_text(row, 17, a);
	c->chain = db_text(row, 18, a);
	c->valid_s = db_int(row, 19);
	return true;
}

bool certificate_insert(struct db *db, const struct certificate *c, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO certificates (" CERTIFICATE_COLUMNS ")"
	               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
	               DB_T(c->id), DB_T(c->project_id), DB_T(c->name), DB_T(c->names), DB_T(c->authority_id),
	               DB_T(c->key_type), DB_C(c->facade), DB_I(c->version), DB_I(c->created_at),
	               DB_I(c->row_version), DB_I(c->auto_renew), DB_I0(c->paused_at), DB_C(c->renew_before),
	               DB_T(c->key_policy != NULL ? c->key_policy : "new"), DB_C(c->csr_spki), DB_C(c->fallback_id), DB_C(c->fallback_after),
	               DB_C(c->profile), DB_C(c->chain), DB_I(c->valid_s));
}

bool certificate_find(struct db *db, struct arena *a, const char *id, struct certificate *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct certificate);

	return db_each(db, certificate_read, &rows, err,
	               "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "certificate", id);
}

bool certificate_find_named(struct db *db, struct arena *a, const char *project_id, const char *id_or_name,
                            struct certificate *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct certificate);

	/* An id names one row at once, so the names are looked at only when it names none. */
	return db_each(db, certificate_read, &rows, err,
	               "SELECT " CERTIFICATE_COLUMNS " FROM certificates"
	               " WHERE id = $1 AND ($2 = '' OR project_id = $2)"
	               " AND NOT EXISTS (SELECT 1 FROM rehearsals r WHERE r.certificate_id = certificates.id)",
	               DB_C(id_or_name), DB_C(project_id)) &&
	       (rows.count > 0 ||
	        db_each(db, certificate_read, &rows, err,
	                "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE project_id = $1 AND name = $2"
	                " AND NOT EXISTS (SELECT 1 FROM rehearsals r WHERE r.certificate_id = certificates.id)"
	                " ORDER BY created_at DESC, id DESC LIMIT 1",
	                DB_C(project_id), DB_C(id_or_name))) &&
	       rows_first(&rows, ret, err, "certificate", id_or_name);
}

bool certificate_list(struct db *db, struct arena *a, const char *project_id, const char *after, size_t limit,
                      struct certificate **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct certificate);

	return db_each(db, certificate_read, &rows, err,
	               "SELECT " CERTIFICATE_COLUMNS " FROM certificates WHERE project_id = $1 AND id > $2"
	               " AND NOT EXISTS (SELECT 1 FROM rehearsals r WHERE r.certificate_id = certificates.id)"
	               " ORDER BY id LIMIT $3",
	               DB_C(project_id), DB_C(after), DB_I(limit)) &&
	       rows_take(&rows, ret, ret_count);
}

static bool moved(const char *id, struct err *err)
{
	return err_problem(err, ERR_CONFLICT, "conflict", "certificate %s was changed by somebody else", id);
}

bool certificate_update(struct db *db, const struct certificate *c, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE certificates SET name = $3, names = $4, authority_id = $5, key_type = $6, facade = $7,"
	             " key_policy = $8, csr_spki = $9, fallback_id = $10, fallback_after = $11, profile = $12, chain = $13, valid_s = $14,"
	             " row_version = row_version + 1 WHERE id = $1 AND row_version = $2",
	             DB_C(c->id), DB_I(c->row_version), DB_T(c->name), DB_T(c->names), DB_T(c->authority_id),
	             DB_T(c->key_type), DB_C(c->facade), DB_T(c->key_policy != NULL ? c->key_policy : "new"), DB_C(c->csr_spki), DB_C(c->fallback_id),
	             DB_C(c->fallback_after), DB_C(c->profile), DB_C(c->chain), DB_I(c->valid_s)))
		return false;
	return changed > 0 || moved(c->id, err);
}

struct blob_read {
	struct arena *a;
	struct str    bytes;
};

static bool csr_read(const struct db_row *row, void *arg)
{
	struct blob_read *x = arg;

	x->bytes = db_blob(row, 0, x->a);
	return true;
}

bool certificate_csr(struct db *db, struct arena *a, const char *id, struct str *ret, struct err *err)
{
	struct blob_read x = { .a = a };

	if (!db_each(db, csr_read, &x, err, "SELECT csr FROM certificates WHERE id = $1", DB_C(id)))
		return false;
	*ret = x.bytes;
	return true;
}

bool certificate_set_csr(struct db *db, const char *id, struct str csr, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE certificates SET csr = $2 WHERE id = $1", DB_C(id),
	               DB_B(csr.len > 0 ? csr : str_of(NULL, 0))) &&
	       rows_changed(changed, err, "certificate", id);
}

bool certificate_set_policy(struct db *db, const struct certificate *c, struct err *err)
{
	int64_t changed = 0;

	if (!db_exec(db, &changed, err,
	             "UPDATE certificates SET auto_renew = $3, paused_at = $4, renew_before = $5,"
	             " row_version = row_version + 1 WHERE id = $1 AND row_version = $2",
	             DB_C(c->id), DB_I(c->row_version), DB_I(c->auto_renew), DB_I0(c->paused_at), DB_C(c->renew_before)))
		return false;
	return changed > 0 || moved(c->id, err);
}

/* ---- routes ---- */

static bool route_read(const struct db_row *row, void *arg)
{
	struct rows              *rows = arg;
	struct certificate_route *r = rows_add(rows);

	r->name = db_text(row, 0, rows->a);
	r->delegation_id = db_text(row, 1, rows->a);
	return true;
}

bool certificate_route_set(struct db *db, const char *certificate_id, const char *name, const char *delegation_id,
                           struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO certificate_routes (certificate_id, name, delegation_id) VALUES ($1, $2, $3)"
	               " ON CONFLICT (certificate_id, name) DO UPDATE SET delegation_id = excluded.delegation_id",
	               DB_T(certificate_id), DB_T(name), DB_T(delegation_id));
}

bool certificate_route_list(struct db *db, struct arena *a, const char *certificate_id,
                            struct certificate_route **ret, size_t *ret_count, struct err *err)
{
	struct rows rows = ROWS(a, struct certificate_route);

	return db_each(db, route_read, &rows, err,
	               "SELECT name, delegation_id FROM certificate_routes WHERE certificate_id = $1 ORDER BY name",
	               DB_C(certificate_id)) &&
	       rows_take(&rows, ret, ret_count);
}

bool certificate_route_keep(struct db *db, const char *certificate_id, const char *const *names, size_t count, struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	struct certificate_route       *routes;
	size_t                          routes_count;

	if (!certificate_route_list(db, a, certificate_id, &routes, &routes_count, err))
		return false;
	for (size_t i = 0; i < routes_count; i++) {
		size_t k = 0;

		while (k < count && strcmp(names[k], routes[i].name) != 0)
			k++;
		if (k == count && !db_exec(db, NULL, err, "DELETE FROM certificate_routes WHERE certificate_id = $1 AND name = $2",
		                           DB_T(certificate_id), DB_T(routes[i].name)))
			return false;
	}
	return true;
}

/* ---- versions ---- */

#define VERSION_COLUMNS                                                                            \
	"id, project_id, certificate_id, number, key_blob, key_type, spki_sha256, chain_pem, serial, not_before_at," \
	" not_after_at, issued_at, created_at, row_version, ari_id, authority_id, names, key_compromised_at, revoked_at, revoked_reason"

static bool version_read(const struct db_row *row, void *arg)
{
	struct rows    *rows = arg;
	struct arena   *a = rows->a;
	struct version *v = rows_add(rows);

	v->id = db_text(row, 0, a);
	v->project_id = db_text(row, 1, a);
	v->certificate_id = db_text(row, 2, a);
	v->number = db_int(row, 3);
	v->key_blob = db_blob(row, 4, a);
	v->key_type = db_text(row, 5, a);
	v->spki_sha256 = db_text(row, 6, a);
	v->chain_pem = db_text(row, 7, a);
	v->serial = db_text(row, 8, a);
	v->not_before_at = db_int(row, 9);
	v->not_after_at = db_int(row, 10);
	v->issued_at = db_int(row, 11);
	v->created_at = db_int(row, 12);
	v->row_version = db_int(row, 13);
	v->ari_id = db_text(row, 14, a);
	v->authority_id = db_text(row, 15, a);
	v->names = db_text(row, 16, a);
	v->key_compromised_at = db_int(row, 17);
	v->revoked_at = db_int(row, 18);
	v->revoked_reason = db_int(row, 19);
	return true;
}

bool version_insert(struct db *db, const struct version *v, struct err *err)
{
	return db_exec(db, NULL, err,
	               "INSERT INTO versions (" VERSION_COLUMNS ") VALUES ($1, $2, $3,"
	               " (SELECT COALESCE(MAX(number), 0) + 1 FROM versions WHERE certificate_id = $3),"
	               " $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
	               DB_T(v->id), DB_T(v->project_id), DB_T(v->certificate_id), DB_B(v->key_blob.len > 0 ? v->key_blob : STR("")),
	               DB_T(v->key_type), DB_C(v->spki_sha256), DB_C(v->chain_pem), DB_C(v->serial),
	               DB_I0(v->not_before_at), DB_I0(v->not_after_at), DB_I0(v->issued_at), DB_I(v->created_at),
	               DB_I(v->row_version), DB_C(v->ari_id), DB_C(v->authority_id), DB_C(v->names),
	               DB_I0(v->key_compromised_at), DB_I0(v->revoked_at), DB_I(v->revoked_reason));
}

bool version_find(struct db *db, struct arena *a, const char *id, struct version *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct version);

	return db_each(db, version_read, &rows, err, "SELECT " VERSION_COLUMNS " FROM versions WHERE id = $1", DB_C(id)) &&
	       rows_first(&rows, ret, err, "version", id);
}

bool version_find_number(struct db *db, struct arena *a, const char *certificate_id, int64_t number,
                         struct version *ret, struct err *err)
{
	struct rows rows = ROWS(a, struct version);

	return db_each(db, version_read, &rows, err,
	               "SELECT " VERSION_COLUMNS " FROM versions WHERE certificate_id = $1 AND number ="
	               " CASE WHEN $2 <> 0 THEN $2 ELSE (SELECT version FROM certificates WHERE id = $1) END",
	               DB_C(certificate_id), DB_I(number)) &&
	       rows_first(&rows, ret, err, "such version of certificate", certificate_id);
}

bool version_set_chain(struct db *db, const char *id, const char *chain_pem, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err, "UPDATE versions SET chain_pem = $2 WHERE id = $1", DB_C(id), DB_C(chain_pem)) &&
	       rows_changed(changed, err, "version", id);
}

bool version_set_revoked(struct db *db, const char *id, int64_t reason, int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE versions SET revoked_reason = CASE WHEN revoked_at IS NULL THEN $2 ELSE revoked_reason END,"
	               " revoked_at = COALESCE(revoked_at, $3) WHERE id = $1",
	               DB_C(id), DB_I(reason), DB_I(now)) &&
	       rows_changed(changed, err, "version", id);
}

bool version_store(struct db *db, const char *id, const char *serial, const char *ari_id, int64_t not_before_at, int64_t not_after_at,
                   int64_t now, struct err *err)
{
	int64_t changed = 0;

	return db_exec(db, &changed, err,
	               "UPDATE versions SET serial = $2, not_before_at = $3, not_after_at = $4,"
	               " issued_at = COALESCE(issued_at, $5), ari_id = $6 WHERE id = $1",
	               DB_C(id), DB_C(serial), DB_I0(not_before_at), DB_I0(not_after_at), DB_I(now), DB_C(ari_id)) &&
	       rows_changed(changed, err, "version", id) &&
	       /* Only forward: a step that runs twice must not bring an old version back. */
	       db_exec(db, NULL, err,
	               "UPDATE certificates SET version = (SELECT number FROM versions WHERE id = $1),"
	               " row_version = row_version + 1"
	               " WHERE id = (SELECT certificate_id FROM versions WHERE id = $1)"
	               " AND version < (SELECT number FROM versions WHERE id = $1)",
	               DB_C(id));
}

bool version_key_compromise(struct db *db, const char *certificate_id, const char *spki_sha256, int64_t now, struct err *err)
{
	return db_exec(db, NULL, err,
	               "UPDATE versions SET key_compromised_at = COALESCE(key_compromised_at, $3)"
	               " WHERE certificate_id = $1 AND spki_sha256 = $2",
	               DB_T(certificate_id), DB_T(spki_sha256), DB_I(now));
}

bool version_key_compromised(struct db *db, const char *spki_sha256, bool *ret, struct err *err)
{
	int64_t count = 0;

	if (!db_each(db, rows_int, &count, err,
	             "SELECT COUNT(*) FROM versions WHERE spki_sha256 = $1 AND key_compromised_at IS NOT NULL", DB_T(spki_sha256)))
		return false;
	*ret = count > 0;
	return true;
}
