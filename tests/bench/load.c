/*
 * load.c: asks one server as fast as it answers, for tests/bench/bench.py. Compiled by it with cc -O2.
 *
 *   load dns ADDRESS PORT NAME TYPE SECONDS          a window of 64 questions on each of 4 sockets
 *   load http ADDRESS PORT PATH TOKEN SECONDS CONNS  keep-alive connections, one request in flight on each
 *
 * Prints: answers per second, p50 and p99 in microseconds (http), answers with an unexpected code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKETS = 4, WINDOW = 64, CONNECTIONS_MAX = 256, SAMPLES_MAX = 4 << 20, ANSWER_MAX = 1 << 20 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int dial(const char *address, const char *port, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int                fd = socket(AF_INET, type, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	return fd;
}

static size_t question(unsigned char *out, const char *name, int type)
{
	size_t n = 12;

	memset(out, 0, 12);
	out[5] = 1;
	for (const char *label = name; *label != '\0';) {
		size_t len = strcspn(label, ".");
		out[n++] = (unsigned char)len;
		memcpy(out + n, label, len);
		n += len;
		label += len + (label[len] == '.');
	}
	out[n++] = 0;
	out[n++] = 0;
	out[n++] = (unsigned char)type;
	out[n++] = 0;
	out[n++] = 1;
	return n;
}

static int run_dns(char **arg)
{
	unsigned char ask[512], got[2048];
	size_t        size = question(ask, arg[2], atoi(arg[3]));
	struct pollfd fds[SOCKETS];
	unsigned long answers = 0, bad = 0;
	double        start, end;

	for (int i = 0; i < SOCKETS; i++) {
		fds[i] = (struct pollfd){ .fd = dial(arg[0], arg[1], SOCK_DGRAM), .events = POLLIN };
		for (int k = 0; k < WINDOW; k++)
			if (send(fds[i].fd, ask, size, 0) < 0)
				die("send");
	}
	start = now_s();
	end = start + atof(arg[4]);
	while (now_s() < end) {
		int ready = poll(fds, SOCKETS, 50);
		if (ready < 0)
			die("poll");
		for (int i = 0; i < SOCKETS; i++) {
			/* Nothing for 50 ms: what was dropped is asked again. */
			if (ready == 0) {
				for (int k = 0; k < WINDOW; k++)
					(void)!send(fds[i].fd, ask, size, 0);
				continue;
			}
			for (int k = 0; k < WINDOW; k++) {
				ssize_t n = recv(fds[i].fd, got, sizeof(got), MSG_DONTWAIT);
				if (n < 0)
					break;
				if (n < 12 || (got[3] & 15) != 0 || (got[2] & 2) != 0)
					bad++;
				else
					answers++;
				(void)!send(fds[i].fd, ask, size, MSG_DONTWAIT);
			}
		}
	}
	printf("%.0f 0 0 %lu\n", (double)answers / (now_s() - start), bad);
	return 0;
}

struct connection {
	char   head[8192];
	size_t head_len, body_left;
	bool   in_body;
	double sent;
};

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

/* Takes what came; true when one answer is complete. */
static bool feed(struct connection *c, const char *data, size_t n, unsigned long *bad)
{
	while (n > 0) {
		if (c->in_body) {
			size_t take = n < c->body_left ? n : c->body_left;
			c->body_left -= take;
			data += take;
			n -= take;
			if (c->body_left == 0)
				return true;
			continue;
		}
		if (c->head_len + 1 >= sizeof(c->head))
			die("an answer with a huge head");
		c->head[c->head_len++] = *data++;
		n--;
		c->head[c->head_len] = '\0';
		if (c->head_len >= 4 && memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0) {
			const char *length = strcasestr(c->head, "\r\ncontent-length:");
			if (strncmp(c->head, "HTTP/1.1 200", 12) != 0)
				(*bad)++;
			if (length == NULL)
				die("an answer without a length");
			c->body_left = strtoul(length + 17, NULL, 10);
			c->in_body = true;
			if (c->body_left == 0)
				return true;
		}
	}
	return false;
}

static int run_http(char **arg)
{
	static struct connection connections[CONNECTIONS_MAX];
	static char              data[ANSWER_MAX];
	static float             samples[SAMPLES_MAX];
	struct pollfd            fds[CONNECTIONS_MAX];
	char                     request[2048];
	unsigned long            answers = 0, bad = 0;
	int                      count = atoi(arg[5]);
	double                   start, end;

	if (count < 1 || count > CONNECTIONS_MAX)
		return 2;
	int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n\r\n", arg[2],
	                    arg[0], arg[1], arg[3]);
	start = now_s();
	for (int i = 0; i < count; i++) {
		int one = 1;
		fds[i] = (struct pollfd){ .fd = dial(arg[0], arg[1], SOCK_STREAM), .events = POLLIN };
		setsockopt(fds[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		connections[i].sent = now_s();
		if (send(fds[i].fd, request, (size_t)size, 0) != size)
			die("send");
	}
	end = start + atof(arg[4]);
	while (now_s() < end) {
		if (poll(fds, (nfds_t)count, 1000) < 0)
			die("poll");
		for (int i = 0; i < count; i++) {
			if (fds[i].revents == 0)
				continue;
			ssize_t n = recv(fds[i].fd, data, sizeof(data), MSG_DONTWAIT);
			if (n <= 0 && errno != EAGAIN)
				die("the server closed a connection");
			if (n <= 0 || !feed(&connections[i], data, (size_t)n, &bad))
				continue;
			double at = now_s();
			if (answers < SAMPLES_MAX)
				samples[answers] = (float)((at - connections[i].sent) * 1e6);
			answers++;
			connections[i] = (struct connection){ .sent = at };
			if (send(fds[i].fd, request, (size_t)size, 0) != size)
				die("send");
		}
	}
	double seconds = now_s() - start;
	size_t kept = answers < SAMPLES_MAX ? answers : SAMPLES_MAX;
	qsort(samples, kept, sizeof(samples[0]), by_value);
	printf("%.0f %.0f %.0f %lu\n", (double)answers / seconds, kept > 0 ? (double)samples[kept / 2] : 0,
	       kept > 0 ? (double)samples[kept * 99 / 100] : 0, bad);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "dns") == 0)
		return run_dns(argv + 2);
	if (argc == 8 && strcmp(argv[1], "http") == 0)
		return run_http(argv + 2);
	fprintf(stderr, "usage: see the head of load.c\n");
	return 2;
}
