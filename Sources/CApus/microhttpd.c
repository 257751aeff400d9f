/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl.h declares F_DUPFD_CLOEXEC for POSIX, not for plain C23. */
#define _POSIX_C_SOURCE 200809L
#include "capus_microhttpd.h"
#include "capus_library.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#define FUNCTIONS(X)                                                                               \
	X(MHD_start_daemon)                                                                        \
	X(MHD_stop_daemon)                                                                         \
	X(MHD_lookup_connection_value)                                                             \
	X(MHD_create_response_from_buffer)                                                         \
	X(MHD_add_response_header)                                                                 \
	X(MHD_queue_response)                                                                      \
	X(MHD_destroy_response)

#define POINTER(name) __typeof__(name) *name;
#define SYMBOL(name)  {#name, (void **)&api.name},

static struct {
	FUNCTIONS(POINTER)
} api;

struct capus_httpd {
	struct MHD_Daemon *daemon;
	capus_httpd_handler handler;
	void *context;
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

static enum MHD_Result answer(void *closure, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)request;
	struct capus_httpd *httpd = closure;
	/*
	 * Replying on the first call, before any body is read, makes the library close a
	 * connection whose request has one: no byte of a body is ever taken.
	 */
	return (enum MHD_Result)httpd->handler(httpd->context, (capus_httpd_connection *)connection,
					       url, method);
}

capus_httpd *capus_httpd_start(int listener, struct capus_httpd_limits limits,
			       capus_httpd_handler handler, void *context)
{
	struct capus_httpd *httpd = malloc(sizeof(*httpd));
	if (!httpd)
		return nullptr;
	*httpd = (struct capus_httpd){.handler = handler, .context = context};
	/* The library may or may not close its socket when it fails, so it is given its own. */
	int own = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	if (own < 0) {
		free(httpd);
		return nullptr;
	}
	struct MHD_OptionItem options[] = {
	    {MHD_OPTION_LISTEN_SOCKET, own, nullptr},
	    {MHD_OPTION_CONNECTION_LIMIT, limits.connections, nullptr},
	    {MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_per_address, nullptr},
	    {MHD_OPTION_CONNECTION_TIMEOUT, limits.idle_seconds, nullptr},
	    {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)limits.connection_bytes, nullptr},
	    {MHD_OPTION_END, 0, nullptr},
	};
	httpd->daemon =
	    api.MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, nullptr, nullptr, answer, httpd,
				 MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!httpd->daemon) {
		int code = errno;
		free(httpd);
		errno = code;
		return nullptr;
	}
	close(listener);
	return httpd;
}

void capus_httpd_stop(capus_httpd *httpd)
{
	api.MHD_stop_daemon(httpd->daemon);
	free(httpd);
}

const char *capus_httpd_header(capus_httpd_connection *connection, const char *name)
{
	return api.MHD_lookup_connection_value((struct MHD_Connection *)connection, MHD_HEADER_KIND,
					       name);
}

int capus_httpd_reply(capus_httpd_connection *connection, unsigned status, const void *body,
		      size_t body_size, const char *content_type, const char *allow)
{
	/* The library takes a mutable pointer also where it only copies from it. */
	struct MHD_Response *response = api.MHD_create_response_from_buffer(
	    body_size, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	enum MHD_Result result =
	    api.MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	if (result == MHD_YES && allow)
		result = api.MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	if (result == MHD_YES)
		result =
		    api.MHD_queue_response((struct MHD_Connection *)connection, status, response);
	api.MHD_destroy_response(response);
	return result;
}
