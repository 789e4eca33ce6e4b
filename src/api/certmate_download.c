/*
 * api/certmate_download.c: the files of a certificate as CertMate hands them out: one, as JSON, or all in a zip.
 */
#include <strings.h>

#include "api/call.h"
#include "api/zip.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "store/certificate.h"

#define ZIP_MAX (8u * MIB)


enum file_kind { FILE_CERT, FILE_CHAIN, FILE_FULLCHAIN, FILE_PRIVKEY, FILE_COMBINED, FILE_PFX, FILE__COUNT };

static const struct file_row {
	const char *name, *part /* of the path form; NULL: none */, *type;
	bool        secret;
} file_rows[FILE__COUNT] = {
	[FILE_CERT] = { "cert.pem", "cert", "application/x-pem-file", false },
	[FILE_CHAIN] = { "chain.pem", "chain", "application/x-pem-file", false },
	[FILE_FULLCHAIN] = { "fullchain.pem", "fullchain", "application/x-pem-file", false },
	[FILE_PRIVKEY] = { "privkey.pem", "privkey", "application/x-pem-file", true },
	[FILE_COMBINED] = { "combined.pem", "combined", "application/x-pem-file", true },
	[FILE_PFX] = { "cert.pfx", NULL, "application/x-pkcs12", true },
};

struct download {
	struct bundle             bundle;
	enum keeper_export_format key_format;
	bool                      private_wanted;
};

static bool privkey_permitted(struct call *call, struct err *err)
{
	struct err role = { 0 };

	if (call_role(call, ROLE_OPERATOR, &role))
		return true;
	err_problem(err, ERR_DENIED, "PRIVKEY_REQUIRES_OPERATOR", "Private key download requires operator privileges");
	return err_hint(err, "use a token with role operator, or include_private=0");
}

static bool download_parse(struct call *call, struct download *ret, struct err *err)
{
	const char *format = http_target_param(call->request->target, "key_format");
	const char *include = http_target_param(call->request->target, "include_private");

	ret->key_format = KEEPER_EXPORT_PKCS8;
	if (format != NULL && strcmp(format, "pkcs1") == 0)
		ret->key_format = KEEPER_EXPORT_TRADITIONAL;
	else if (format != NULL && format[0] != '\0' && strcmp(format, "pkcs8") != 0)
		return err_set(err, ERR_INPUT, "key_format must be pkcs1 or pkcs8");
	ret->private_wanted = include == NULL || (strcmp(include, "0") != 0 && strcasecmp(include, "false") != 0);
	return bundle_find(call, certmate_domain(call), 0, &ret->bundle, err);
}

static bool file_bytes(struct call *call, const struct download *d, enum file_kind kind, struct str *ret, struct err *err)
{
	struct str key;

	switch (kind) {
	case FILE_CERT: *ret = d->bundle.cert; return true;
	case FILE_CHAIN: *ret = d->bundle.chain; return true;
	case FILE_FULLCHAIN: *ret = d->bundle.fullchain; return true;
	case FILE_PRIVKEY: return bundle_key(call, &d->bundle, d->key_format, ret, err);
	case FILE_PFX: return bundle_key(call, &d->bundle, KEEPER_EXPORT_PKCS12, ret, err);
	case FILE_COMBINED:
		if (!bundle_key(call, &d->bundle, d->key_format, &key, err))
			return false;
		*ret = str_c(arena_printf(call->arena, "%.*s%.*s", STR_ARG(d->bundle.fullchain), STR_ARG(key)));
		wipe((void *)(uintptr_t)key.ptr, key.len);
		return true;
	case FILE__COUNT: break;
	}
	abort();
}

static bool attachment(struct call *call, const struct download *d, const char *name, const char *type, struct str bytes,
                       bool secret)
{
	call->answer->secret = secret;
	call_header(call, "Content-Disposition",
		    arena_printf(call->arena, "attachment; filename=\"%s_%s\"", d->bundle.certificate->name, name));
	return call_text(call, 200, type, bytes);
}

static bool file_answer(struct call *call, const struct download *d, enum file_kind kind, struct err *err)
{
	const struct file_row *row = &file_rows[kind];
	struct str             bytes;

	if (row->secret && !privkey_permitted(call, err))
		return false;
	return file_bytes(call, d, kind, &bytes, err) && attachment(call, d, row->name, row->type, bytes, row->secret);
}

static bool json_answer(struct call *call, const struct download *d, struct err *err)
{
	json_t    *json;
	struct str key = { 0 }, traditional = { 0 };

	if (d->private_wanted && (!privkey_permitted(call, err) ||
				  !bundle_key(call, &d->bundle, KEEPER_EXPORT_PKCS8, &key, err)))
		return false;
	if (d->private_wanted && d->key_format == KEEPER_EXPORT_TRADITIONAL &&
	    !bundle_key(call, &d->bundle, KEEPER_EXPORT_TRADITIONAL, &traditional, err))
		return false;
	json = json_object();
	json_put_str(json, "domain", d->bundle.certificate->name);
	json_put(json, "cert_pem", json_stringn(d->bundle.cert.ptr, d->bundle.cert.len));
	json_put(json, "chain_pem", json_stringn(d->bundle.chain.ptr, d->bundle.chain.len));
	json_put(json, "fullchain_pem", json_stringn(d->bundle.fullchain.ptr, d->bundle.fullchain.len));
	if (key.len > 0)
		json_put(json, "private_key_pem", json_stringn(key.ptr, key.len));
	if (traditional.len > 0)
		json_put(json, "private_key_pkcs1_pem", json_stringn(traditional.ptr, traditional.len));
	if (key.len > 0)
		wipe((void *)(uintptr_t)key.ptr, key.len);
	if (traditional.len > 0)
		wipe((void *)(uintptr_t)traditional.ptr, traditional.len);
	call->answer->secret = true;
	return call_json(call, 200, json);
}

/* Four PEM files and the PKCS#12; with include_private=0 the three public ones. */
static bool zip_answer(struct call *call, const struct download *d, struct err *err)
{
	static const enum file_kind kinds[] = { FILE_CERT, FILE_CHAIN, FILE_FULLCHAIN, FILE_PRIVKEY, FILE_PFX };
	AUTO(buf_wipe) struct buf   b;
	struct zip_file             files[ARRAY_LEN(kinds)];
	size_t                      count = 0;
	struct str                  bytes;

	buf_init(&b, ZIP_MAX);
	if (d->private_wanted && !privkey_permitted(call, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (file_rows[kinds[i]].secret && !d->private_wanted)
			continue;
		files[count].name = file_rows[kinds[i]].name;
		if (!file_bytes(call, d, kinds[i], &files[count].bytes, err))
			return false;
		count++;
	}
	zip_write(&b, files, count, clock_now_ms() / 1000);
	for (size_t i = 0, k = 0; i < ARRAY_LEN(kinds); i++) {
		if (file_rows[kinds[i]].secret && !d->private_wanted)
			continue;
		if (file_rows[kinds[i]].secret)
			wipe((void *)(uintptr_t)files[k].bytes.ptr, files[k].bytes.len);
		k++;
	}
	if (b.failed)
		return err_set(err, ERR_PERMANENT, "the archive is too large");
	bytes = arena_dup(call->arena, buf_str(&b));
	return attachment(call, d, "certificates.zip", "application/zip", bytes, true);
}

bool certmate_download(struct call *call, struct err *err)
{
	const char     *file = http_target_param(call->request->target, "file");
	const char     *format = http_target_param(call->request->target, "format");
	struct download d;

	if (!download_parse(call, &d, err))
		return false;
	if (format != NULL && strcmp(format, "json") == 0)
		return json_answer(call, &d, err);
	if (file == NULL || file[0] == '\0')
		return zip_answer(call, &d, err);
	for (size_t i = 0; i < FILE__COUNT; i++)
		if (strcmp(file_rows[i].name, file) == 0)
			return file_answer(call, &d, (enum file_kind)i, err);
	err_set(err, ERR_INPUT, "there is no file %s", file);
	return err_hint(err, "file is cert.pem, chain.pem, fullchain.pem, privkey.pem, combined.pem or cert.pfx");
}

bool certmate_download_part(struct call *call, struct err *err)
{
	struct download d;

	for (size_t i = 0; i < FILE__COUNT; i++)
		if (file_rows[i].part != NULL && strcmp(file_rows[i].part, call->params[1]) == 0)
			return download_parse(call, &d, err) && file_answer(call, &d, (enum file_kind)i, err);
	return err_set(err, ERR_NOT_FOUND, "there is no file %s", call->params[1]);
}
