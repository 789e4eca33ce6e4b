/* keeper/message.c: reading and writing what several messages share, and the names of roles. */
#include "keeper/message.h"

#include <assert.h>

static const char *const role_names[ROLE__COUNT] = {
	[ROLE_VIEWER] = "viewer",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMINISTRATOR] = "administrator",
};

const char *keeper_role_name(enum keeper_role role)
{
	assert((unsigned)role < ROLE__COUNT);
	return role_names[role];
}

bool keeper_role_parse(struct str name, enum keeper_role *ret)
{
	for (size_t i = 0; i < ROLE__COUNT; i++) {
		if (!str_eq(name, str_c(role_names[i])))
			continue;
		*ret = (enum keeper_role)i;
		return true;
	}
	return false;
}

unsigned get_enum(struct wire *w, unsigned count)
{
	unsigned v = wire_get_u8(w);

	if (v < count)
		return v;
	w->failed = true;
	return 0;
}

void put_record(struct buf *b, const struct record_id *id)
{
	wire_put_c(b, id->project_id);
	wire_put_c(b, id->column);
	wire_put_c(b, id->row_id);
	wire_put_i64(b, id->row_version);
}

void get_record(struct wire *w, struct arena *a, struct record_id *ret)
{
	ret->project_id = wire_get_c(w, a);
	ret->column = wire_get_c(w, a);
	ret->row_id = wire_get_c(w, a);
	ret->row_version = wire_get_i64(w);
}

void put_names(struct buf *b, const char *const *names, size_t count)
{
	wire_put_u32(b, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		wire_put_c(b, names[i]);
}

void get_names(struct wire *w, struct arena *a, size_t count_max, const char *const **ret, size_t *ret_count)
{
	size_t       count = wire_get_u32(w);
	const char **names;

	if (count > count_max) {
		w->failed = true;
		count = 0;
	}
	names = arena_alloc_array(a, count + 1, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = wire_get_c(w, a);
	*ret = names;
	*ret_count = count;
}

void put_token(struct buf *b, const struct keeper_token *row)
{
	wire_put_c(b, row->id);
	wire_put_c(b, row->project_id);
	wire_put_c(b, row->name);
	wire_put_c(b, row->certificate_id);
	wire_put_u8(b, (uint8_t)row->role);
	wire_put_i64(b, row->created_at);
	wire_put_i64(b, row->expires_at);
	wire_put_i64(b, row->revoked_at);
	wire_put_i64(b, row->row_version);
	wire_put_str(b, str_of(row->digest, sizeof(row->digest)));
}

void get_token(struct wire *w, struct arena *a, struct keeper_token *ret)
{
	struct str digest;

	ret->id = wire_get_c(w, a);
	ret->project_id = wire_get_c(w, a);
	ret->name = wire_get_c(w, a);
	ret->certificate_id = wire_get_c(w, a);
	ret->role = (enum keeper_role)get_enum(w, ROLE__COUNT);
	ret->created_at = wire_get_i64(w);
	ret->expires_at = wire_get_i64(w);
	ret->revoked_at = wire_get_i64(w);
	ret->row_version = wire_get_i64(w);
	digest = wire_get_str(w);
	if (digest.len == sizeof(ret->digest))
		memcpy(ret->digest, digest.ptr, digest.len);
	else
		w->failed = true;
}

void keeper_token_columns(const struct keeper_token *row, struct buf *ret)
{
	row_text(ret, "id", str_c(row->id));
	row_text(ret, "project_id", str_c(row->project_id));
	row_text(ret, "name", str_c(row->name));
	row_text(ret, "role", str_c(keeper_role_name(row->role)));
	row_bytes(ret, "digest", str_of(row->digest, sizeof(row->digest)));
	row_int(ret, "created_at", row->created_at);
	row_int(ret, "expires_at", row->expires_at);
	/* Not in the rows of tokens made before there were narrow ones; a narrow row without it has another MAC. */
	if (row->certificate_id != NULL && row->certificate_id[0] != '\0')
		row_text(ret, "certificate_id", str_c(row->certificate_id));
	row_int(ret, "revoked_at", row->revoked_at); /* the last one: grant.c */
}

void put_deployment(struct buf *b, const struct keeper_deployment *row)
{
	wire_put_c(b, row->id);
	wire_put_c(b, row->project_id);
	wire_put_c(b, row->name);
	wire_put_c(b, row->certificate_id);
	wire_put_c(b, row->kind);
	wire_put_c(b, row->settings);
	wire_put_i64(b, row->created_at);
}

void get_deployment(struct wire *w, struct arena *a, struct keeper_deployment *ret)
{
	ret->id = wire_get_c(w, a);
	ret->project_id = wire_get_c(w, a);
	ret->name = wire_get_c(w, a);
	ret->certificate_id = wire_get_c(w, a);
	ret->kind = wire_get_c(w, a);
	ret->settings = wire_get_c(w, a);
	ret->created_at = wire_get_i64(w);
}

void keeper_deployment_columns(const struct keeper_deployment *row, struct buf *ret)
{
	row_text(ret, "id", str_c(row->id));
	row_text(ret, "project_id", str_c(row->project_id));
	row_text(ret, "name", str_c(row->name));
	row_text(ret, "certificate_id", str_c(row->certificate_id));
	row_text(ret, "kind", str_c(row->kind));
	row_text(ret, "settings", str_c(row->settings));
	row_int(ret, "created_at", row->created_at);
}

void put_grant(struct buf *b, const struct keeper_grant *grant)
{
	wire_put_u8(b, (uint8_t)grant->kind);
	wire_put_c(b, grant->principal_id);
	wire_put_c(b, grant->project_id);
	wire_put_c(b, grant->certificate_id);
	wire_put_u8(b, (uint8_t)grant->role);
	wire_put_i64(b, grant->expires_at);
}

void get_grant(struct wire *w, struct arena *a, struct keeper_grant *ret)
{
	ret->kind = (enum keeper_grant_kind)get_enum(w, GRANT_KIND__COUNT);
	ret->principal_id = wire_get_c(w, a);
	ret->project_id = wire_get_c(w, a);
	ret->certificate_id = wire_get_c(w, a);
	ret->role = (enum keeper_role)get_enum(w, ROLE__COUNT);
	ret->expires_at = wire_get_i64(w);
}
