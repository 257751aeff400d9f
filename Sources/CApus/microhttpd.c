/* SPDX-License-Identifier: Apache-2.0 */
/* POLLRDHUP is Linux's own. */
#define _GNU_SOURCE
#include "capus_microhttpd.h"
#include "capus_library.h"
#include "microhttpd_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define FUNCTIONS(X)                                                                               \
	X(MHD_start_daemon)                                                                        \
	X(MHD_stop_daemon)                                                                         \
	X(MHD_run)                                                                                 \
	X(MHD_get_timeout)                                                                         \
	X(MHD_get_daemon_info)                                                                     \
	X(MHD_get_connection_info)                                                                 \
	X(MHD_lookup_connection_value)                                                             \
	X(MHD_create_response_from_buffer_with_free_callback_cls)                                  \
	X(MHD_add_response_header)                                                                 \
	X(MHD_queue_response)                                                                      \
	X(MHD_destroy_response)

#define POINTER(name) __typeof__(name) *name;
#define SYMBOL(name)  {#name, (void **)&api.name},

static struct {
	FUNCTIONS(POINTER)
} api;

/* A connection, and when it is ended whatever it does. */
struct slot {
	int socket;
	bool answered;
	bool hung_up;
	uint64_t deadline;
};

struct capus_httpd {
	struct MHD_Daemon *daemon;
	capus_httpd_tls *tls;
	capus_httpd_handler handler;
	void *context;
	int epoll;
	unsigned request_seconds;
	unsigned slot_count;
	struct slot slots[];
};

static once_flag opened = ONCE_FLAG_INIT;
static char failure[512];

static void open_once(void)
{
	const struct capus_symbol symbols[] = {FUNCTIONS(SYMBOL)};
	capus_library_open("libmicrohttpd.so.12", "libmicrohttpd12", symbols,
			   sizeof(symbols) / sizeof(symbols[0]), failure, sizeof(failure));
}

const char *capus_httpd_open(void)
{
	call_once(&opened, open_once);
	return failure[0] ? failure : nullptr;
}

static uint64_t seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void notice_connection(void *closure, struct MHD_Connection *connection, void **context,
			      enum MHD_ConnectionNotificationCode what)
{
	struct capus_httpd *httpd = closure;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		struct slot *slot = *context;
		if (slot)
			slot->socket = -1;
		return;
	}
	const union MHD_ConnectionInfo *info =
	    api.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	for (unsigned i = 0; info && i < httpd->slot_count; i++) {
		struct slot *slot = &httpd->slots[i];
		if (slot->socket >= 0)
			continue;
		*slot = (struct slot){.socket = info->connect_fd,
				      .deadline = seconds_now() + httpd->request_seconds};
		*context = slot;
		return;
	}
}

static struct slot *slot_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    api.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : nullptr;
}

static void notice_end(void *closure, struct MHD_Connection *connection, void **request,
		       enum MHD_RequestTerminationCode code)
{
	struct capus_httpd *httpd = closure;
	(void)request;
	(void)code;
	struct slot *slot = slot_of(connection);
	if (!slot)
		return;
	slot->answered = false;
	slot->deadline = seconds_now() + httpd->request_seconds;
}

static enum MHD_Result answer(void *closure, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	struct capus_httpd *httpd = closure;
	struct slot *slot = slot_of(connection);
	if (slot)
		slot->answered = true;
	/*
	 * Replying on the first call, before any body is read, makes the library close the
	 * connection: no byte of a body is ever taken, and no place is held until the next scrape.
	 */
	return (enum MHD_Result)httpd->handler(httpd->context, (capus_httpd_connection *)connection,
					       url, method);
}

static struct MHD_Daemon *start(struct capus_httpd *httpd, int listener,
				struct capus_httpd_limits limits)
{
	struct MHD_OptionItem options[] = {
	    {MHD_OPTION_LISTEN_SOCKET, listener, nullptr},
	    {MHD_OPTION_CONNECTION_LIMIT, limits.connections, nullptr},
	    {MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_per_address, nullptr},
	    {MHD_OPTION_CONNECTION_TIMEOUT, limits.idle_seconds, nullptr},
	    {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)limits.connection_bytes, nullptr},
	    {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)notice_connection, httpd},
	    {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)notice_end, httpd},
	    {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, nullptr},
	    {MHD_OPTION_END, 0, nullptr},
	};
	if (!httpd->tls)
		return api.MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, answer, httpd,
					    MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	return api.MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TLS, 0, nullptr, nullptr, answer, httpd,
				    MHD_OPTION_ARRAY, options, MHD_OPTION_HTTPS_CERT_CALLBACK,
				    capus_httpd_tls_retrieve, MHD_OPTION_HTTPS_PRIORITIES,
				    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_END);
}

capus_httpd *capus_httpd_start(int listener, struct capus_httpd_limits limits, capus_httpd_tls *tls,
			       capus_httpd_handler handler, void *context)
{
	struct capus_httpd *httpd =
	    malloc(sizeof(*httpd) + limits.connections * sizeof(httpd->slots[0]));
	if (!httpd)
		return nullptr;
	*httpd = (struct capus_httpd){.tls = tls,
				      .handler = handler,
				      .context = context,
				      .request_seconds = limits.request_seconds,
				      .slot_count = limits.connections};
	for (unsigned i = 0; i < httpd->slot_count; i++)
		httpd->slots[i].socket = -1;
	/* The library may or may not close its socket when it fails, so it is given its own. */
	int own = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	if (own < 0) {
		free(httpd);
		return nullptr;
	}
	httpd->daemon = start(httpd, own, limits);
	const union MHD_DaemonInfo *info =
	    httpd->daemon ? api.MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD)
			  : nullptr;
	if (!info) {
		int code = errno;
		if (httpd->daemon)
			api.MHD_stop_daemon(httpd->daemon);
		free(httpd);
		errno = code;
		return nullptr;
	}
	httpd->epoll = info->epoll_fd;
	close(listener);
	return httpd;
}

static int milliseconds_to_wait(struct capus_httpd *httpd)
{
	/* The deadlines of connections are looked at every second. */
	const MHD_UNSIGNED_LONG_LONG most = 1000;
	MHD_UNSIGNED_LONG_LONG wanted;
	if (api.MHD_get_timeout(httpd->daemon, &wanted) != MHD_YES || wanted > most)
		return (int)most;
	return (int)wanted;
}

/*
 * Ends what takes too long; the library sees an end of the stream, and closes. And what was left by
 * its peer in the middle of a request: when the end comes together with the last bytes, the library
 * does not see it. A second look, after it has read all there was, tells that from a request that
 * is whole.
 */
static void sweep(struct capus_httpd *httpd)
{
	uint64_t now = seconds_now();
	for (unsigned i = 0; i < httpd->slot_count; i++) {
		struct slot *slot = &httpd->slots[i];
		if (slot->socket < 0)
			continue;
		struct pollfd entry = {.fd = slot->socket, .events = POLLRDHUP};
		bool hung_up = !slot->answered && poll(&entry, 1, 0) == 1;
		if (slot->deadline <= now || (hung_up && slot->hung_up))
			shutdown(slot->socket, SHUT_RDWR);
		slot->hung_up = hung_up;
	}
}

void capus_httpd_run(capus_httpd *httpd, int stop)
{
	/* A peer that closes is an error of the write, never the end of the process. */
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
	if (httpd->tls)
		capus_httpd_tls_enter(httpd->tls);
	struct pollfd entries[] = {{.fd = httpd->epoll, .events = POLLIN},
				   {.fd = stop, .events = POLLIN}};
	poll(entries, 2, milliseconds_to_wait(httpd));
	api.MHD_run(httpd->daemon);
	sweep(httpd);
}

void capus_httpd_stop(capus_httpd *httpd)
{
	api.MHD_stop_daemon(httpd->daemon);
	free(httpd);
}

struct capus_httpd_address capus_httpd_client(capus_httpd_connection *connection)
{
	const union MHD_ConnectionInfo *info = api.MHD_get_connection_info(
	    (struct MHD_Connection *)connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *name = info ? info->client_addr : nullptr;
	struct in6_addr address = {};
	if (name && name->sa_family == AF_INET6) {
		address = ((const struct sockaddr_in6 *)name)->sin6_addr;
	} else if (name && name->sa_family == AF_INET) {
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
		memcpy(&address.s6_addr[12], &((const struct sockaddr_in *)name)->sin_addr, 4);
	}
	struct capus_httpd_address result;
	static_assert(sizeof(result) == sizeof(address));
	memcpy(&result, &address, sizeof(result));
	return result;
}

const char *capus_httpd_header(capus_httpd_connection *connection, const char *name)
{
	return api.MHD_lookup_connection_value((struct MHD_Connection *)connection, MHD_HEADER_KIND,
					       name);
}

capus_httpd_response *capus_httpd_response_new(const void *body, size_t body_size,
					       void (*release)(void *), void *context)
{
	/* The library takes a mutable pointer, and only reads from it. */
	return (capus_httpd_response *)api.MHD_create_response_from_buffer_with_free_callback_cls(
	    body_size, (void *)(uintptr_t)body, release, context);
}

int capus_httpd_response_header(capus_httpd_response *response, const char *name, const char *value)
{
	return api.MHD_add_response_header((struct MHD_Response *)response, name, value);
}

int capus_httpd_send(capus_httpd_connection *connection, unsigned status,
		     capus_httpd_response *response)
{
	struct MHD_Response *queued = (struct MHD_Response *)response;
	enum MHD_Result result =
	    api.MHD_queue_response((struct MHD_Connection *)connection, status, queued);
	api.MHD_destroy_response(queued);
	return result;
}
