/*
 * deploy/delivery.c: what one process does with one bundle: files and then their hook, or a hook alone. A hook that fails
 * after the switch takes the switch back, and is run once more so that the service reads the old files again.
 */
#include "deploy/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "deploy/files.h"
#include "deploy/run.h"

struct delivery {
	struct arena                *a;
	const struct hook_config    *config;
	const struct delivery_order *order;
	struct deploy_settings       settings;
	struct files_bundle          bundle;
	int                          cancel_fd;
	bool                         ran; /* what a hook of the way back says is not the outcome */
	struct hook_result          *result;
};

/* ---- the hook ---- */

static bool owner_trusted(const struct stat *at)
{
	return (at->st_uid == 0 || at->st_uid == geteuid()) && (at->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool hook_file(struct arena *a, const char *directory, const char *name, const char **ret, struct err *err)
{
	struct stat dir, file;
	const char *path = arena_printf(a, "%s/%s", directory, name);

	if (lstat(directory, &dir) != 0 || !S_ISDIR(dir.st_mode)) {
		err_problem(err, ERR_CONFIG, "configuration", "there is no hooks directory %s", directory);
		return err_hint(err, "make it, owned by root, and put the hook there; [hooks] directory says where it is");
	}
	if (lstat(path, &file) != 0) {
		err_problem(err, ERR_CONFIG, "configuration", "there is no hook %s", path);
		return err_hint(err, "put an executable of this name there");
	}
	if (!S_ISREG(file.st_mode) || !owner_trusted(&dir) || !owner_trusted(&file)) {
		err_problem(err, ERR_CONFIG, "configuration", "%s is not run: it or its directory can be changed by others, or it is a link", path);
		return err_hint(err, "chown root %s %s; chmod go-w %s %s", directory, path, directory, path);
	}
	*ret = path;
	return true;
}

struct environment {
	const char *items[48];
	size_t      count;
	bool        full;
};

static void set(struct arena *a, struct environment *e, const char *name, const char *value)
{
	/* The last place stays NULL. */
	e->full = e->full || e->count + 1 == ARRAY_LEN(e->items);
	if (!e->full)
		e->items[e->count++] = arena_printf(a, "%s=%s", name, value);
}

/* Our names, and those that hooks written for CertMate, lego and certbot read. */
static void environment_make(const struct delivery *d, const char *event, const char *directory, struct environment *e)
{
	static const struct {
		const char *name, *file;
	} paths[] = {
		{ "REEVE_CERT_PATH", "cert.pem" },         { "REEVE_CHAIN_PATH", "chain.pem" },
		{ "REEVE_FULLCHAIN_PATH", "fullchain.pem" }, { "REEVE_KEY_PATH", "privkey.pem" },
		{ "REEVE_COMBINED_PATH", "combined.pem" }, { "CERTMATE_CERT_PATH", "cert.pem" },
		{ "CERTMATE_KEY_PATH", "privkey.pem" },    { "CERTMATE_FULLCHAIN_PATH", "fullchain.pem" },
		{ "CERTMATE_CHAIN_PATH", "chain.pem" },    { "LEGO_CERT_PATH", "fullchain.pem" },
		{ "LEGO_CERT_KEY_PATH", "privkey.pem" },   { "LEGO_CERT_PEM_PATH", "combined.pem" },
	};
	const struct hook_run *run = &d->order->run;

	*e = (struct environment){ 0 };
	set(d->a, e, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set(d->a, e, "LANG", "C");
	set(d->a, e, "REEVE_EVENT", event);
	set(d->a, e, "REEVE_DEPLOYMENT", d->order->deployment.name);
	set(d->a, e, "REEVE_CERTIFICATE", run->certificate_name);
	set(d->a, e, "REEVE_CERTIFICATE_ID", run->certificate_id);
	set(d->a, e, "REEVE_NAMES", run->names);
	set(d->a, e, "REEVE_VERSION", arena_printf(d->a, "%lld", (long long)run->number));
	set(d->a, e, "REEVE_BUNDLE_FD", "3");
	set(d->a, e, "CERTMATE_DOMAIN", run->certificate_name);
	set(d->a, e, "CERTMATE_EVENT", run->dry_run ? "test" : event);
	set(d->a, e, "LEGO_CERT_DOMAIN", run->certificate_name);
	set(d->a, e, "RENEWED_LINEAGE", directory);
	set(d->a, e, "RENEWED_DOMAINS", run->names);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		set(d->a, e, paths[i].name, arena_printf(d->a, "%s/%s", directory, paths[i].file));
	if (d->bundle.pkcs12.len > 0)
		set(d->a, e, "LEGO_CERT_PFX_PATH", arena_printf(d->a, "%s/bundle.p12", directory));
	if (run->dry_run) {
		set(d->a, e, "REEVE_DRY_RUN", "1");
		set(d->a, e, "CERTMATE_DRY_RUN", "1");
	}
}

/* Chain and key as PEM, read-only: descriptor 3 of the hook. */
static bool combined_fd(const struct delivery *d, int *ret, struct err *err)
{
	int  fd = memfd_create("combined.pem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool ok = fd >= 0 && write(fd, d->bundle.fullchain.ptr, d->bundle.fullchain.len) == (ssize_t)d->bundle.fullchain.len &&
	          write(fd, d->bundle.key.ptr, d->bundle.key.len) == (ssize_t)d->bundle.key.len && lseek(fd, 0, SEEK_SET) == 0 &&
	          fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;

	if (!ok) {
		err_errno(err, errno, "memory for a bundle");
		if (fd >= 0)
			close(fd);
		return false;
	}
	*ret = fd;
	return true;
}

static bool hook_exec(struct delivery *d, const char *event, const char *directory, struct err *err)
{
	struct environment e;
	struct run_result  result;
	const char        *path;
	int                fd;

	if (!hook_file(d->a, d->config->directory, d->settings.hook, &path, err) || !combined_fd(d, &fd, err))
		return false;
	environment_make(d, event, directory, &e);
	if (e.full) {
		close(fd);
		return err_set(err, ERR_PERMANENT, "the environment of the hook has more variables than were foreseen");
	}
	const struct run_program program = { .path = path, .environment = e.items, .directory = "/", .fd = fd,
		                             .timeout_s = (uint32_t)d->settings.timeout_s, .cancel_fd = d->cancel_fd };
	bool ok = run_program(d->a, &program, &result, err);
	close(fd);
	if (!d->ran) {
		d->result->exit_code = result.exit_code;
		d->result->output = result.output;
	}
	d->ran = true;
	return ok;
}

/* The files stand in a directory of their own while the hook runs. */
static bool hook_alone(struct delivery *d, struct err *err)
{
	const struct files_target plain = { .directory = d->config->scratch, .owner = "", .group = "", .key_mode = 0600 };
	const char               *name = d->order->run.ticket;
	int                       scratch = open(d->config->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), dir = -1;
	bool                      ok = false;

	if (scratch < 0)
		return err_problem(err, ERR_TEMPORARY, "unavailable", "%s: %s", d->config->scratch, strerror(errno));
	files_remove_directory(scratch, name);
	if (mkdirat(scratch, name, 0700) != 0 || (dir = openat(scratch, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)) < 0)
		err_problem(err, ERR_TEMPORARY, "unavailable", "%s/%s: %s", d->config->scratch, name, strerror(errno));
	else
		ok = files_write_all(dir, &plain, &d->bundle, err) &&
		     hook_exec(d, d->order->run.event, arena_printf(d->a, "%s/%s", d->config->scratch, name), err);
	if (dir >= 0)
		close(dir);
	files_remove_directory(scratch, name);
	close(scratch);
	return ok;
}

/* ---- files ---- */

static bool files_then_hook(struct delivery *d, struct err *err)
{
	const struct hook_run *run = &d->order->run;
	struct files_target    target = { .directory = d->settings.directory, .certificate_id = run->certificate_id,
		                          .owner = d->settings.owner, .group = d->settings.group,
		                          .key_mode = d->settings.key_mode_bits, .keep = (unsigned)d->settings.keep };
	const char            *previous, *current;
	struct err             undone = { 0 };

	/* A deployment of the whole project has a directory for each certificate. */
	if (d->order->deployment.certificate_id[0] == '\0')
		target.directory = arena_printf(d->a, "%s/%s", target.directory, deploy_directory_name(d->a, run->certificate_name));
	if (!files_deliver(d->a, &target, &d->bundle, run->number, run->dry_run, &previous, err))
		return false;
	if (d->settings.hook[0] == '\0')
		return true;
	current = arena_printf(d->a, "%s/" FILES_CURRENT, target.directory);
	/* A dry run leaves `current` as it is, so its hook gets the files as a hook alone does. */
	if (run->dry_run)
		return hook_alone(d, err);
	if (hook_exec(d, run->event, current, err))
		return true;
	err_in(err, "after the switch");
	if (!files_restore(&target, previous, &undone))
		return err_in(err, "the way back: %s; and before that", undone.text);
	/* The service may have read the new files before the hook failed. */
	if (previous[0] != '\0' && strcmp(err->problem, "unavailable") != 0 && !hook_exec(d, "rollback", current, &undone))
		return err_in(err, "version %s is back in place, but its hook: %s; before that", previous, undone.text);
	if (previous[0] != '\0')
		err_in(err, "version %s is back in place", previous);
	return false;
}

static bool deliver(struct delivery *d, int bundle_fd, struct err *err)
{
	const struct keeper_deployment *deployment = &d->order->deployment;
	AUTO(secret_freep) struct secret *bytes = NULL;
	struct keeper_bundle bundle;
	enum deploy_kind     kind;

	if (!deploy_kind_find(deployment->kind, &kind, err) ||
	    !deploy_settings_parse(d->a, kind, deployment->settings, &d->settings, err) ||
	    !keeper_bundle_read(bundle_fd, &bytes, &bundle, err) ||
	    !files_bundle_make(bundle.chain_pem, bundle.key_pem, bundle.pkcs12, &d->bundle, err) ||
	    (d->settings.pkcs1 && !files_bundle_pkcs1(d->a, &d->bundle, err)) ||
	    (d->settings.pkcs12_password[0] != '\0' &&
	     !files_bundle_pkcs12(d->a, &d->bundle, d->settings.pkcs12_password, d->order->run.certificate_name, err)))
		return false;
	switch (kind) {
	case DEPLOY_FILES:
		return files_then_hook(d, err);
	case DEPLOY_HOOK:
		return files_pair_check(d->a, d->bundle.fullchain, d->bundle.key, err) && hook_alone(d, err);
	case DEPLOY_WEBHOOK:
	case DEPLOY__COUNT:
		break;
	}
	return err_set(err, ERR_INPUT, "a %s is not delivered by this role", deployment->kind);
}

void delivery_run(struct arena *a, const struct hook_config *config, const struct delivery_order *order, int bundle_fd,
                  int cancel_fd, struct hook_result *ret)
{
	struct hook_result result = { .exit_code = -1, .output = "" };
	struct delivery    d = { .a = a, .config = config, .order = order, .cancel_fd = cancel_fd, .result = &result };
	int64_t            began = clock_mono_ms();

	result.done = deliver(&d, bundle_fd, &result.cause);
	result.took_ms = clock_mono_ms() - began;
	*ret = result;
}

/* ---- frames ---- */

void delivery_order_write(struct buf *b, const struct delivery_order *o)
{
	const struct keeper_deployment *d = &o->deployment;
	const char *const texts[] = { o->run.ticket, o->run.event, o->run.certificate_id, o->run.certificate_name, o->run.names,
		                      d->id, d->project_id, d->name, d->certificate_id, d->kind, d->settings };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		wire_put_c(b, texts[i]);
	wire_put_bool(b, o->run.dry_run);
	wire_put_i64(b, o->run.number);
}

bool delivery_order_read(struct arena *a, struct str body, struct delivery_order *ret, struct err *err)
{
	struct wire           w = wire_of(body);
	struct delivery_order o = { 0 };
	const char          **texts[] = { &o.run.ticket, &o.run.event, &o.run.certificate_id, &o.run.certificate_name, &o.run.names,
		                  &o.deployment.id, &o.deployment.project_id, &o.deployment.name, &o.deployment.certificate_id,
		                  &o.deployment.kind, &o.deployment.settings };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = wire_get_c(&w, a);
	o.run.dry_run = wire_get_bool(&w);
	o.run.number = wire_get_i64(&w);
	if (!wire_done(&w, err))
		return err_in(err, "delivery");
	*ret = o;
	return true;
}

void hook_result_write(struct buf *b, const struct hook_result *r)
{
	wire_put_bool(b, r->done);
	wire_put_u8(b, (uint8_t)r->cause.class);
	wire_put_c(b, r->cause.problem);
	wire_put_c(b, r->cause.text);
	wire_put_c(b, r->cause.hint);
	wire_put_i64(b, r->exit_code);
	wire_put_c(b, r->output);
	wire_put_i64(b, r->took_ms);
}

bool hook_result_read(struct arena *a, struct str body, struct hook_result *ret, struct err *err)
{
	struct wire        w = wire_of(body);
	struct hook_result r = { .done = wire_get_bool(&w) };
	unsigned           class = wire_get_u8(&w);
	const char        *problem = wire_get_c(&w, a), *text = wire_get_c(&w, a), *hint = wire_get_c(&w, a);

	r.exit_code = wire_get_i64(&w);
	r.output = wire_get_c(&w, a);
	r.took_ms = wire_get_i64(&w);
	if (!wire_done(&w, err) || class >= ERR__COUNT || r.done != (class == ERR_NONE))
		return err_problem(err, ERR_PERMANENT, "internal", "the outcome of a delivery cannot be read");
	if (!r.done) {
		err_problem(&r.cause, (enum err_class)class, problem, "%s", text);
		err_hint(&r.cause, "%s", hint);
	}
	*ret = r;
	return true;
}
