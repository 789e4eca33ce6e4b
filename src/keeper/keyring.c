/*
 * keeper/keyring.c: from the seal to the keys that open records: seal -> root -> purpose keys and project keys.
 * Project keys are random and only wrapped by the root, so that deleting the wraps destroys a project.
 */
#include "crypto/hkdf.h"
#include "keeper/seal.h"
#include "keeper/server.h"

#define KEY_SIZE        32
#define ROOT_KEY_ID     1
#define KEYS_MAX        100000
#define KEY_ID_MAX      INT64_MAX /* a database integer */
#define KEY_NEWEST      UINT64_MAX
#define PURPOSE_ROOT    "root"
#define PURPOSE_PROJECT "project"

static bool ids_check(const char *instance_id, const char *project_id, struct err *err)
{
	if (instance_id != NULL && (instance_id[0] == '\0' || strlen(instance_id) > 64))
		return err_set(err, ERR_INPUT, "not an instance id");
	if (project_id != NULL && (project_id[0] == '\0' || strlen(project_id) > 64))
		return err_set(err, ERR_INPUT, "not a project id");
	return true;
}

bool keeper_init_offline(int seal_fd, const char *instance_id, const char *project_id, uint64_t key_id,
                         struct arena *a, struct keeper_init *ret, struct err *err)
{
	AUTO(secret_freep) struct secret *seal = NULL;
	AUTO(secret_freep) struct secret *root = NULL;
	AUTO(secret_freep) struct secret *project = NULL;
	struct keeper_init out;

	if (!ids_check(instance_id, project_id, err) || !seal_read(seal_fd, &seal, err))
		return false;
	root = secret_random(KEY_SIZE);
	project = secret_random(KEY_SIZE);
	if (!key_wrap(seal, ROOT_KEY_ID, instance_id, "", PURPOSE_ROOT, root, a, &out.root_wrap, err) ||
	    !key_wrap(root, key_id, instance_id, project_id, PURPOSE_PROJECT, project, a, &out.project_wrap, err))
		return false;
	*ret = out;
	return true;
}

static struct secret *purpose_key(const struct secret *root, const char *instance_id, const char *label)
{
	struct secret *key = secret_new(KEY_SIZE);

	hkdf_sha256(secret_str(root), str_c(instance_id), str_c(label), secret_ptr(key), KEY_SIZE);
	return key;
}

bool keyring_open(struct keeper *k, struct call *call, struct err *err)
{
	const char *instance_id = wire_get_c(&call->in, call->arena);
	struct str  wrap = wire_get_str(&call->in);
	AUTO(secret_freep) struct secret *root = NULL;

	if (!wire_done(&call->in, err) || !ids_check(instance_id, NULL, err))
		return false;
	if (k->root != NULL && strcmp(instance_id, k->instance_id) != 0)
		return err_set(err, ERR_CONFLICT, "the keeper is open for another instance");
	if (!key_unwrap(k->seal, ROOT_KEY_ID, instance_id, "", PURPOSE_ROOT, wrap, &root, err)) {
		if (err != NULL && err->class == ERR_CONFIG) {
			err_problem(err, ERR_CONFIG, "sealed", "the seal file does not open this database's root key");
			err_hint(err, "start Reeve with the seal file this database was made with ([keys] seal in "
			              "reeve.toml); a new one cannot open it");
		}
		return false;
	}
	if (k->root != NULL)
		return ct_equal(secret_ptr(root), secret_ptr(k->root), KEY_SIZE) ?
		               true :
		               err_set(err, ERR_CONFLICT, "the keeper is open with another root key");
	k->instance_id = strdup(instance_id);
	k->token_hmac = purpose_key(root, instance_id, "reeve/token-hmac/1");
	k->row_mac = purpose_key(root, instance_id, "reeve/row-mac/1");
	k->root = TAKE(root);
	return true;
}

/* ---- project keys ---- */

static int key_order(const struct project_key *key, const char *project_id, uint64_t key_id)
{
	int order = strcmp(key->project_id, project_id);

	if (order != 0)
		return order;
	return key->key_id < key_id ? -1 : key->key_id > key_id;
}

/* Where (project, key id) is or would be. */
static size_t key_place(const struct keeper *k, const char *project_id, uint64_t key_id)
{
	size_t low = 0, high = k->keys_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_order(&k->keys[middle], project_id, key_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool key_insert(struct keeper *k, const char *project_id, uint64_t key_id, struct secret **key,
                       struct err *err)
{
	size_t at = key_place(k, project_id, key_id);

	if (at < k->keys_count && key_order(&k->keys[at], project_id, key_id) == 0)
		return ct_equal(secret_ptr(k->keys[at].key), secret_ptr(*key), KEY_SIZE) ?
		               true :
		               err_set(err, ERR_CONFLICT, "another key with this id is loaded");
	if (k->keys_count >= KEYS_MAX)
		return err_set(err, ERR_INPUT, "more than %d project keys", KEYS_MAX);
	if (k->keys_count == k->keys_cap) {
		k->keys_cap = k->keys_cap > 0 ? 2 * k->keys_cap : 16;
		k->keys = reallocarray(k->keys, k->keys_cap, sizeof(*k->keys));
		if (k->keys == NULL)
			abort();
	}
	memmove(k->keys + at + 1, k->keys + at, (k->keys_count - at) * sizeof(*k->keys));
	k->keys[at] = (struct project_key){ strdup(project_id), key_id, TAKE(*key) };
	k->keys_count++;
	return true;
}

bool keyring_load(struct keeper *k, struct call *call, struct err *err)
{
	const char *project_id = wire_get_c(&call->in, call->arena);
	uint64_t    key_id = wire_get_u64(&call->in);
	struct str  wrap = wire_get_str(&call->in);
	AUTO(secret_freep) struct secret *key = NULL;
	bool ok;

	if (!wire_done(&call->in, err) || !ids_check(NULL, project_id, err))
		return false;
	if (key_id == 0 || key_id > KEY_ID_MAX)
		return err_set(err, ERR_INPUT, "not a key id");
	if (!key_unwrap(k->root, key_id, k->instance_id, project_id, PURPOSE_PROJECT, wrap, &key, err)) {
		if (err != NULL && err->class == ERR_CONFIG) /* the root is right: so the wrap is not */
			err_problem(err, ERR_PERMANENT, "tampered", "the key of project %s does not belong to this root key",
			            project_id);
		return false;
	}
	pthread_mutex_lock(&k->lock);
	ok = key_insert(k, project_id, key_id, &key, err);
	pthread_mutex_unlock(&k->lock);
	return ok;
}

/* Not loaded yet: a key that seals before its wrap is stored would lose what it sealed. */
bool keyring_new_project(struct keeper *k, struct call *call, struct err *err)
{
	const char *project_id = wire_get_c(&call->in, call->arena);
	uint64_t    key_id = wire_get_u64(&call->in);
	struct str  wrap;

	if (!wire_done(&call->in, err) || !ids_check(NULL, project_id, err))
		return false;
	if (key_id == 0 || key_id > KEY_ID_MAX)
		return err_set(err, ERR_INPUT, "not a key id");

	AUTO(secret_freep) struct secret *key = secret_random(KEY_SIZE);

	if (!key_wrap(k->root, key_id, k->instance_id, project_id, PURPOSE_PROJECT, key, call->arena, &wrap, err))
		return false;
	wire_put_str(&call->out, wrap);
	return true;
}

/* A copy of one key, or of the KEY_NEWEST. */
static bool key_find(struct keeper *k, const char *project_id, uint64_t key_id, struct secret **ret,
                     uint64_t *ret_id, struct err *err)
{
	const struct project_key *found = NULL;
	size_t                    at;

	pthread_mutex_lock(&k->lock);
	at = key_place(k, project_id, key_id);
	if (at < k->keys_count && key_order(&k->keys[at], project_id, key_id) == 0)
		found = &k->keys[at];
	else if (key_id == KEY_NEWEST && at > 0 && strcmp(k->keys[at - 1].project_id, project_id) == 0)
		found = &k->keys[at - 1];
	if (found != NULL) {
		*ret = secret_copy(secret_str(found->key));
		*ret_id = found->key_id;
	}
	pthread_mutex_unlock(&k->lock);
	return found != NULL ? true :
	                       err_problem(err, ERR_TEMPORARY, "sealed", "the key of project %s is not loaded",
	                                   project_id);
}

static bool record_check(const char *column, const struct record_id *id, struct err *err)
{
	if (strcmp(id->column, column) != 0)
		return err_problem(err, ERR_DENIED, "forbidden", "%s does not hold what this request needs", id->column);
	if (id->row_id[0] == '\0' || id->row_version < 1)
		return err_set(err, ERR_INPUT, "a record without a row id or version");
	return ids_check(NULL, id->project_id, err);
}

bool keyring_record_seal(struct keeper *k, const char *column, const struct record_id *id, struct str plain,
                         struct arena *a, struct str *ret, struct err *err)
{
	AUTO(secret_freep) struct secret *key = NULL;
	uint64_t key_id;

	return record_check(column, id, err) && key_find(k, id->project_id, KEY_NEWEST, &key, &key_id, err) &&
	       record_seal(key, key_id, k->instance_id, id, plain, a, ret, err);
}

bool keyring_record_open(struct keeper *k, const char *column, const struct record_id *id, struct str blob,
                         struct secret **ret, struct err *err)
{
	AUTO(secret_freep) struct secret *key = NULL;
	uint64_t key_id;

	if (!record_check(column, id, err) || !record_key_id(blob, &key_id, err))
		return false;
	if (key_id > KEY_ID_MAX || !key_find(k, id->project_id, key_id, &key, &key_id, err)) {
		/* No key at all: they are not loaded yet. Others but not this one: the blob names a wrong one. */
		if (!key_find(k, id->project_id, KEY_NEWEST, &key, &key_id, err))
			return false;
		return err_problem(err, ERR_PERMANENT, "tampered",
		                   "a sealed value names a key that project %s does not have", id->project_id);
	}
	return record_open(key, key_id, k->instance_id, id, blob, ret, err);
}

void keyring_clear(struct keeper *k)
{
	for (size_t i = 0; i < k->keys_count; i++) {
		free(k->keys[i].project_id);
		secret_free(k->keys[i].key);
	}
	free(k->keys);
	secret_free(k->seal);
	secret_free(k->root);
	secret_free(k->token_hmac);
	secret_free(k->row_mac);
	secret_free(k->grant_mac);
	free(k->instance_id);
}
