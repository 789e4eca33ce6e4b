/*
 * keeper/bundle.c: see the header. The memfd is sealed against writing before anybody else has it, so what the hook role
 * maps or reads is what the keeper wrote.
 */
#include "keeper/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/message.h"

#define SEND_MS 3000

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			bytes = str_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
	return true;
}

bool keeper_bundle_fd(const struct keeper_bundle *bundle, int *ret_fd, struct err *err)
{
	AUTO(buf_wipe) struct buf b;
	int fd;

	buf_init(&b, KEEPER_BUNDLE_MAX);
	wire_put_str(&b, bundle->chain_pem);
	wire_put_str(&b, bundle->key_pem);
	wire_put_str(&b, bundle->pkcs12);
	if (b.failed)
		return err_problem(err, ERR_INPUT, "too-large", "key and chain are larger than %u KiB", KEEPER_BUNDLE_MAX / KIB);
	fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_errno(err, errno, "memory for a bundle");
	if (!write_all(fd, buf_str(&b)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
		err_errno(err, errno, "writing a bundle");
		close(fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

bool keeper_bundle_send(struct ipc_peer *hook, const char *ticket, const struct keeper_deployment *deployment, int fd,
                        struct err *err)
{
	AUTO(arena_freep) struct arena *a = arena_new();
	AUTO(buf_clear) struct buf b;
	struct str answer;

	buf_init(&b, IPC_BODY_MAX);
	wire_put_c(&b, ticket);
	put_deployment(&b, deployment);
	if (b.failed)
		return err_problem(err, ERR_INPUT, "too-large", "the deployment is too large for a frame");
	return ipc_peer_call(hook, KEEPER_BUNDLE, buf_str(&b), fd, SEND_MS, a, &answer, err);
}

bool keeper_bundle_frame_read(struct arena *a, struct str body, const char **ret_ticket, struct keeper_deployment *ret,
                              struct err *err)
{
	struct wire              w = wire_of(body);
	const char              *ticket = wire_get_c(&w, a);
	struct keeper_deployment deployment;

	get_deployment(&w, a, &deployment);
	if (!wire_done(&w, err))
		return false;
	if (ticket[0] == '\0' || strlen(ticket) > KEEPER_TICKET_MAX)
		return err_set(err, ERR_INPUT, "not a ticket");
	*ret_ticket = ticket;
	*ret = deployment;
	return true;
}

bool keeper_bundle_read(int fd, struct secret **ret_bytes, struct keeper_bundle *ret, struct err *err)
{
	AUTO(secret_freep) struct secret *bytes = NULL;
	struct stat          at;
	struct wire          w;
	struct keeper_bundle bundle;

	if (fstat(fd, &at) != 0 || at.st_size <= 0 || at.st_size > (off_t)KEEPER_BUNDLE_MAX)
		return err_set(err, ERR_INPUT, "not a bundle");
	bytes = secret_new((size_t)at.st_size);
	if (pread(fd, secret_ptr(bytes), secret_len(bytes), 0) != (ssize_t)secret_len(bytes))
		return err_errno(err, errno, "reading a bundle");
	w = wire_of(secret_str(bytes));
	bundle.chain_pem = wire_get_str(&w);
	bundle.key_pem = wire_get_str(&w);
	bundle.pkcs12 = wire_get_str(&w);
	if (!wire_done(&w, err))
		return err_in(err, "bundle");
	*ret = bundle;
	*ret_bytes = TAKE(bytes);
	return true;
}
