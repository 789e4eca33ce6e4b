/*
 * net/server.c: one loop that owns every connection, a few threads that own one request each. A connection is
 * always in exactly one phase; only the loop changes it. A request goes to the handlers through `ready` and
 * comes back through `done`; between the two nobody but the handler touches it, and the descriptor stays open
 * even when the client has left. What the bytes mean is net/request.c; what to answer is the handler's.
 */
#include "net/server.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/problem_codes.h"

#define THREADS_MAX       16u
#define LISTENERS_MAX     16u
#define UNPARKS_MAX       1024u
#define INPUT_MAX         (64u * KIB) /* read ahead while a request runs */
#define ANSWER_TIMEOUT_MS 60000
#define LINGER_MS         1000
#define ACCEPT_PAUSE_MS   100
#define ANSWER_MAX        (16u * MIB)
#define KIND_SIZE         32
#define ID_BYTES          64

enum phase {
	PHASE_READ,   /* waiting for, or in the middle of, a request */
	PHASE_RUN,    /* with the handlers */
	PHASE_PARK,   /* waits for a change or its deadline */
	PHASE_WRITE,  /* the answer is on its way */
	PHASE_LINGER, /* answered and shut down; read to the end so that no reset eats the answer */
};

struct connection {
	struct http_server        *server;
	struct bufferevent        *bev;
	struct event              *timer;
	enum phase                 phase;
	bool                       is_unix;
	bool                       begun;      /* bytes of the present request came */
	bool                       gone;       /* the client left while the handler ran */
	bool                       woken;      /* something changed while the handler ran */
	bool                       keep_alive;
	int64_t                    since_ms;   /* start of the phase */
	struct arena              *arena;
	struct http_reader         reader;
	struct http_target         target;
	struct http_server_request request;
	char                       remote[ADDRESS_SIZE];
	/* from the handler */
	enum http_verdict          verdict;
	struct buf                *out;
	char                       park_kind[KIND_SIZE], park_id[ID_BYTES];
	int64_t                    park_until_ms;
	struct connection         *link;       /* in ready or done */
	struct connection         *next, **prev;
};

struct queue {
	struct connection *first, **last;
};

struct unpark {
	char kind[KIND_SIZE], id[ID_BYTES];
};

struct listener {
	struct http_server    *server;
	struct evconnlistener *events;
	struct event          *pause;
	bool                   is_unix;
};

struct http_server {
	struct http_server_settings settings;
	struct event_base          *base;
	struct event               *wake;
	int                         wake_fd;
	struct listener             listeners[LISTENERS_MAX];
	size_t                      listeners_count;
	struct connection          *connections;
	unsigned                    counts[2]; /* TCP, UNIX */
	pthread_t                   loop, handlers[THREADS_MAX];
	unsigned                    handlers_count;
	bool                        running;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t  more;
	struct queue    ready, done;
	struct unpark   unparks[UNPARKS_MAX];
	size_t          unparks_count;
	bool            unpark_all; /* more changes than we remember */
	bool            stopping;
};

static void input_read(struct connection *c);

const char *http_server_header(const struct http_server_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_count; i++)
		if (str_eq_nocase(str_c(request->headers[i].name), str_c(name)))
			return request->headers[i].value;
	return NULL;
}

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_add(struct queue *q, struct connection *c)
{
	c->link = NULL;
	*q->last = c;
	q->last = &c->link;
}

static struct connection *queue_take(struct queue *q)
{
	struct connection *c = q->first;

	if (c == NULL)
		return NULL;
	q->first = c->link;
	if (q->first == NULL)
		q->last = &q->first;
	c->link = NULL;
	return c;
}

static void wake_loop(struct http_server *s)
{
	uint64_t one = 1;

	/* A full counter wakes too. */
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
}

/* ---- answers as bytes ---- */

static const char *status_text(int status)
{
	static const struct {
		int         status;
		const char *text;
	} texts[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" },
		{ 413, "Content Too Large" }, { 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
		{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Status";
}

/* A header of ours may carry a name from a request: no byte of it can end the line. */
static void add_header(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s: ", name);
	for (const char *p = value; *p != '\0'; p++)
		buf_add_char(b, (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
	buf_add_c(b, "\r\n");
}

static struct buf *refusal_write(int status, const char *reason);

static struct buf *answer_write(const struct http_server_answer *answer, bool head, bool keep_alive)
{
	/* A handler's answer is as large as what is stored: that must never end the process. */
	if (answer->body.len > ANSWER_MAX - 64 * KIB)
		return refusal_write(500, "the answer is larger than 16 MiB: ask for less at once, with limit=");
	struct buf *b = malloc(sizeof(*b));
	char        date[64];
	time_t      now = time(NULL);
	struct tm   tm;

	if (b == NULL)
		abort();
	buf_init(b, ANSWER_MAX);
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(b, "HTTP/1.1 %d %s\r\n", answer->status, status_text(answer->status));
	add_header(b, "Date", date);
	add_header(b, "Cache-Control", "no-store");
	add_header(b, "X-Content-Type-Options", "nosniff");
	for (size_t i = 0; i < HTTP_ANSWER_HEADERS_MAX && answer->headers[i].name != NULL; i++)
		add_header(b, answer->headers[i].name, answer->headers[i].value);
	if (answer->content_type != NULL)
		add_header(b, "Content-Type", answer->content_type);
	if (answer->status != 204)
		buf_printf(b, "Content-Length: %zu\r\n", answer->body.len);
	if (!keep_alive)
		add_header(b, "Connection", "close");
	buf_add_c(b, "\r\n");
	if (!head && answer->status != 204)
		buf_add_str(b, answer->body);
	assert(!b->failed);
	return b;
}

/* Answers that no handler sees: what the gate refuses. `reason` is a literal without quotes. */
static struct buf *refusal_write(int status, const char *reason)
{
	const char               *code = status == 413 || status == 431 ? "too-large" : "invalid-request";
	char                      body[512];
	struct http_server_answer answer = { .status = status, .content_type = "application/problem+json" };

	snprintf(body, sizeof(body),
		 "{\"type\":\"urn:reeve:problem:%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}", code,
		 problem_code_find(code, ERR_INPUT)->title, status, reason);
	answer.body = str_c(body);
	return answer_write(&answer, false, false);
}

static void out_free(struct buf *out)
{
	if (out == NULL)
		return;
	buf_wipe(out);
	free(out);
}

static void out_sent(const void *bytes UNUSED, size_t len UNUSED, void *out)
{
	out_free(out);
}

/* ---- connections ---- */

static void timer_set(struct connection *c, int64_t ms)
{
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv = (struct timeval){ .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	evtimer_add(c->timer, &tv);
}

static void phase_set(struct connection *c, enum phase phase)
{
	c->phase = phase;
	c->since_ms = clock_mono_ms();
	evtimer_del(c->timer);
}

static void request_clear(struct connection *c)
{
	http_reader_clear(&c->reader);
	arena_free(c->arena);
	c->arena = NULL;
	c->request = (struct http_server_request){ 0 };
	out_free(TAKE(c->out));
}

static void connection_free(struct connection *c)
{
	struct http_server *s = c->server;

	assert(c->phase != PHASE_RUN);
	request_clear(c);
	event_free(c->timer);
	bufferevent_free(c->bev);
	s->counts[c->is_unix]--;
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	free(c);
}

static void request_begin(struct connection *c)
{
	request_clear(c);
	c->arena = arena_new();
	c->begun = c->woken = false;
	http_reader_init(&c->reader, c->arena, !c->is_unix);
	phase_set(c, PHASE_READ);
	timer_set(c, c->server->settings.idle_timeout_ms);
}

static void answer_send(struct connection *c, struct buf *out)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);

	phase_set(c, PHASE_WRITE);
	timer_set(c, ANSWER_TIMEOUT_MS);
	if (evbuffer_add_reference(output, out->ptr, out->len, out_sent, out) != 0)
		abort();
}

static void refuse(struct connection *c, int status, const char *reason)
{
	c->keep_alive = false;
	answer_send(c, refusal_write(status, reason));
}

static void handlers_give(struct connection *c)
{
	struct http_server *s = c->server;

	phase_set(c, PHASE_RUN);
	c->woken = false;
	pthread_mutex_lock(&s->lock);
	queue_add(&s->ready, c);
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

static void run_again(struct connection *c, bool timed_out)
{
	c->request.runs++;
	c->request.timed_out = timed_out;
	handlers_give(c);
}

static void request_complete(struct connection *c)
{
	const struct http_head *head = &c->reader.head;

	c->keep_alive = head->keep_alive;
	c->request = (struct http_server_request){
		.arena = c->arena,
		.head = strcmp(head->method, "HEAD") == 0,
		.method = strcmp(head->method, "HEAD") == 0 ? "GET" : head->method,
		.target = &c->target,
		.headers = head->headers,
		.headers_count = head->headers_count,
		.body = buf_str(&c->reader.body),
		.is_unix = c->is_unix,
		.socket_fd = bufferevent_getfd(c->bev),
	};
	memcpy(c->request.remote, c->remote, sizeof(c->remote));
	handlers_give(c);
}

/* The head is complete: is the target one, and how large may the body be? */
static bool head_complete(struct connection *c)
{
	const struct http_server_settings *settings = &c->server->settings;
	const struct http_head            *head = &c->reader.head;
	const char                        *method = strcmp(head->method, "HEAD") == 0 ? "GET" : head->method;
	const char                        *reason = http_target_parse(c->arena, head->target, &c->target);
	size_t                             body_max = HTTP_SERVER_BODY_DEFAULT;

	if (reason != NULL) {
		refuse(c, 400, reason);
		return false;
	}
	if (settings->body_max != NULL)
		body_max = settings->body_max(settings->ctx, method, &c->target);
	assert(body_max <= HTTP_SERVER_BODY_MAX);
	http_reader_body(&c->reader, body_max);
	if (c->reader.state == HTTP_READ_BODY) {
		timer_set(c, settings->body_timeout_ms);
		if (head->expect_continue && evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
			bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	}
	return true;
}

/* Feed what has arrived; at most one request is taken. */
static void input_read(struct connection *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);

	while (c->phase == PHASE_READ && evbuffer_get_length(input) > 0) {
		struct evbuffer_iovec    piece;
		enum http_reader_state   before = c->reader.state;
		size_t                   used;

		if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1)
			return;
		if (!c->begun) {
			c->begun = true;
			timer_set(c, c->server->settings.head_timeout_ms);
		}
		used = http_reader_feed(&c->reader, str_of(piece.iov_base, piece.iov_len));
		evbuffer_drain(input, used);
		if (before == HTTP_READ_HEAD && c->reader.state == HTTP_READ_BODY && !head_complete(c))
			return;
		if (c->reader.state == HTTP_READ_BAD)
			refuse(c, c->reader.status, c->reader.reason);
		else if (c->reader.state == HTTP_READ_DONE)
			request_complete(c);
	}
	if (c->phase == PHASE_LINGER)
		evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_read(struct bufferevent *bev UNUSED, void *arg)
{
	input_read(arg);
}

/* The output is empty: the answer (or a 100 Continue) has left. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;

	if (c->phase != PHASE_WRITE || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->keep_alive) {
		request_begin(c);
		input_read(c);
		return;
	}
	shutdown(bufferevent_getfd(bev), SHUT_WR);
	phase_set(c, PHASE_LINGER);
	timer_set(c, LINGER_MS);
	input_read(c);
}

/* The client left, or closed its sending side (we take both for leaving, but finish an answer under way). */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct connection *c = arg;

	switch (c->phase) {
	case PHASE_RUN:
		c->gone = true;
		bufferevent_disable(bev, EV_READ | EV_WRITE);
		return;
	case PHASE_WRITE:
		if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_READING) != 0) {
			c->keep_alive = false;
			return;
		}
		connection_free(c);
		return;
	case PHASE_READ:
	case PHASE_PARK:
	case PHASE_LINGER:
		connection_free(c);
		return;
	}
}

static void on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct connection *c = arg;

	if (c->phase == PHASE_PARK)
		run_again(c, true);
	else if (c->phase == PHASE_READ && c->begun)
		refuse(c, 408, "the request did not arrive in time");
	else if (c->phase != PHASE_RUN)
		connection_free(c);
}

/* ---- accepting ---- */

/* Room for one more: the silent go first. False when all of them are at work. */
static bool room_make(struct http_server *s, bool is_unix)
{
	struct connection *oldest = NULL;

	if (s->counts[is_unix] < s->settings.connections_max)
		return true;
	for (struct connection *c = s->connections; c != NULL; c = c->next)
		if (c->is_unix == is_unix && (c->phase == PHASE_READ || c->phase == PHASE_LINGER) &&
		    (oldest == NULL || c->since_ms <= oldest->since_ms)) /* the list is newest first */
			oldest = c;
	if (oldest == NULL)
		return false;
	connection_free(oldest);
	return true;
}

static void on_accept(struct evconnlistener *events UNUSED, evutil_socket_t fd, struct sockaddr *address,
                      int len UNUSED, void *arg)
{
	struct listener    *l = arg;
	struct http_server *s = l->server;
	struct connection  *c;
	int                 one = 1;

	if (!room_make(s, l->is_unix)) {
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->server = s;
	c->is_unix = l->is_unix;
	if (l->is_unix)
		memcpy(c->remote, "unix", sizeof("unix"));
	else
		address_write(address, c->remote);
	if (!l->is_unix)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->timer = evtimer_new(s->base, on_timer, c);
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->timer == NULL || c->bev == NULL)
		abort();
	c->next = s->connections;
	c->prev = &s->connections;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->connections = c;
	s->counts[c->is_unix]++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	request_begin(c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Out of descriptors: accept again a little later instead of spinning. */
static void on_accept_error(struct evconnlistener *events, void *arg)
{
	struct listener *l = arg;
	struct timeval   tv = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };

	evconnlistener_disable(events);
	evtimer_add(l->pause, &tv);
}

static void on_pause_over(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	evconnlistener_enable(((struct listener *)arg)->events);
}

/* ---- messages to the loop ---- */

static void handler_done(struct connection *c)
{
	if (c->gone) {
		phase_set(c, PHASE_LINGER);
		connection_free(c);
	} else if (c->verdict == HTTP_PARK && c->woken) {
		run_again(c, false);
	} else if (c->verdict == HTTP_PARK) {
		phase_set(c, PHASE_PARK);
		timer_set(c, c->park_until_ms - clock_mono_ms());
	} else {
		answer_send(c, TAKE(c->out));
	}
}

static bool unpark_fits(const struct connection *c, const struct unpark *unparks, size_t count, bool all)
{
	if (all)
		return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(c->park_kind, unparks[i].kind) == 0 && strcmp(c->park_id, unparks[i].id) == 0)
			return true;
	return false;
}

/*
 * Changes are looked at before finished handlers: a request that is running may have read the state from
 * before the change, so it is marked and run once more if it parks.
 */
static void on_wake(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct http_server *s = arg;
	struct unpark       unparks[UNPARKS_MAX];
	size_t              count;
	bool                all, stopping;
	struct queue        done;
	struct connection  *c;
	uint64_t            ignored;

	if (read(fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN && errno != EINTR)
		abort();
	pthread_mutex_lock(&s->lock);
	count = s->unparks_count;
	all = s->unpark_all;
	memcpy(unparks, s->unparks, count * sizeof(unparks[0]));
	s->unparks_count = 0;
	s->unpark_all = false;
	done = s->done;
	if (done.first == NULL)
		done.last = &done.first;
	queue_init(&s->done);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);

	if (count > 0 || all) {
		for (c = s->connections; c != NULL; c = c->next) {
			if (c->phase == PHASE_RUN)
				c->woken = true;
			else if (c->phase == PHASE_PARK && unpark_fits(c, unparks, count, all))
				run_again(c, false);
		}
	}
	while ((c = queue_take(&done)) != NULL)
		handler_done(c);
	if (stopping)
		event_base_loopbreak(s->base);
}

void http_server_unpark(struct http_server *s, const char *kind, const char *id)
{
	pthread_mutex_lock(&s->lock);
	if (strcmp(kind, "*") == 0) {
		s->unpark_all = true;
	} else if (s->unparks_count < UNPARKS_MAX) {
		struct unpark *u = &s->unparks[s->unparks_count++];

		snprintf(u->kind, sizeof(u->kind), "%s", kind);
		snprintf(u->id, sizeof(u->id), "%s", id);
	} else {
		s->unpark_all = true;
	}
	pthread_mutex_unlock(&s->lock);
	wake_loop(s);
}

/* ---- threads ---- */

static void *loop_main(void *arg)
{
	struct http_server *s = arg;

	event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static void handler_run(struct connection *c)
{
	const struct http_server_settings *settings = &c->server->settings;
	struct http_server_answer          answer = { 0 };

	c->verdict = settings->handle(settings->ctx, &c->request, &answer);
	if (c->verdict == HTTP_PARK) {
		snprintf(c->park_kind, sizeof(c->park_kind), "%s", answer.kind);
		snprintf(c->park_id, sizeof(c->park_id), "%s", answer.id);
		c->park_until_ms = answer.deadline_ms;
		return;
	}
	c->out = answer_write(&answer, c->request.head, c->keep_alive);
	if (answer.secret && answer.body.ptr != NULL)
		explicit_bzero((void *)(uintptr_t)answer.body.ptr, answer.body.len);
}

static void *handler_main(void *arg)
{
	struct http_server *s = arg;

	for (;;) {
		struct connection *c;

		pthread_mutex_lock(&s->lock);
		while (s->ready.first == NULL && !s->stopping)
			pthread_cond_wait(&s->more, &s->lock);
		c = s->stopping ? NULL : queue_take(&s->ready);
		pthread_mutex_unlock(&s->lock);
		if (c == NULL)
			return NULL;
		handler_run(c);
		pthread_mutex_lock(&s->lock);
		queue_add(&s->done, c);
		pthread_mutex_unlock(&s->lock);
		wake_loop(s);
	}
}

/* ---- life ---- */

bool http_server_new(const struct http_server_settings *settings, struct http_server **ret, struct err *err)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->settings = *settings;
	if (s->settings.threads == 0)
		s->settings.threads = 4;
	if (s->settings.threads > THREADS_MAX)
		s->settings.threads = THREADS_MAX;
	if (s->settings.connections_max == 0)
		s->settings.connections_max = 512;
	if (s->settings.head_timeout_ms == 0)
		s->settings.head_timeout_ms = 10000;
	if (s->settings.body_timeout_ms == 0)
		s->settings.body_timeout_ms = 30000;
	if (s->settings.idle_timeout_ms == 0)
		s->settings.idle_timeout_ms = 60000;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	queue_init(&s->ready);
	queue_init(&s->done);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0) {
		err_errno(err, errno, "a wake-up descriptor for the HTTP server");
		http_server_free(s);
		return false;
	}
	s->base = event_base_new();
	s->wake = s->base != NULL ? event_new(s->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s) : NULL;
	if (s->wake == NULL || event_add(s->wake, NULL) != 0) {
		http_server_free(s);
		return err_set(err, ERR_TEMPORARY, "the event loop of the HTTP server could not be made");
	}
	*ret = s;
	return true;
}

bool http_server_listen(struct http_server *s, int fd, struct err *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t               len = sizeof(address);
	struct listener        *l;

	assert(!s->running);
	if (s->listeners_count == LISTENERS_MAX) {
		close(fd);
		return err_set(err, ERR_CONFIG, "more than %u HTTP listeners", LISTENERS_MAX);
	}
	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 || evutil_make_socket_nonblocking(fd) != 0) {
		err_errno(err, errno, "the HTTP listener");
		close(fd);
		return false;
	}
	l = &s->listeners[s->listeners_count];
	*l = (struct listener){ .server = s, .is_unix = address.ss_family == AF_UNIX };
	l->events = evconnlistener_new(s->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	l->pause = evtimer_new(s->base, on_pause_over, l);
	if (l->events == NULL || l->pause == NULL)
		abort();
	evconnlistener_set_error_cb(l->events, on_accept_error);
	s->listeners_count++;
	return true;
}

bool http_server_start(struct http_server *s, struct err *err)
{
	sigset_t all, before;
	int      number;

	/* Signals are the role's; a blocked SIGPIPE makes a write to a closed socket an error like others. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	number = pthread_create(&s->loop, NULL, loop_main, s);
	s->running = number == 0;
	for (; number == 0 && s->handlers_count < s->settings.threads; s->handlers_count++) {
		number = pthread_create(&s->handlers[s->handlers_count], NULL, handler_main, s);
		if (number != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number != 0) {
		http_server_stop(s);
		return err_errno(err, number, "a thread of the HTTP server");
	}
	return true;
}

void http_server_stop(struct http_server *s)
{
	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
	wake_loop(s);
	pthread_join(s->loop, NULL);
	for (unsigned i = 0; i < s->handlers_count; i++)
		pthread_join(s->handlers[i], NULL);
	s->running = false;
}

void http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	http_server_stop(s);
	while (s->connections != NULL) {
		s->connections->phase = PHASE_LINGER; /* no handler is left that could have it */
		connection_free(s->connections);
	}
	for (size_t i = 0; i < s->listeners_count; i++) {
		evconnlistener_free(s->listeners[i].events);
		event_free(s->listeners[i].pause);
	}
	if (s->wake != NULL)
		event_free(s->wake);
	if (s->base != NULL)
		event_base_free(s->base);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->more);
	free(s);
}
