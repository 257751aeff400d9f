/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd behind a table of typed function pointers, filled by capus_httpd_open; no other
 * function here may be called before that one returned NULL.
 */
#pragma once
#include <stddef.h>

typedef struct capus_httpd capus_httpd;
typedef struct capus_httpd_connection capus_httpd_connection;

/*
 * Called on the library's own thread, once per request as soon as its header is read. It must call
 * capus_httpd_reply and return what that returned.
 */
typedef int (*capus_httpd_handler)(void *_Nullable context,
				   capus_httpd_connection *_Nonnull connection,
				   const char *_Nonnull path, const char *_Nonnull method);

struct capus_httpd_limits {
	unsigned connections;
	unsigned connections_per_address;
	unsigned idle_seconds;
	size_t connection_bytes;
};

/* NULL when libmicrohttpd is open, else a message that lives for ever. Thread-safe. */
const char *_Nullable capus_httpd_open(void);

/*
 * Serves `listener`, a listening socket, on one thread that inherits the caller's signal mask.
 * NULL with errno on failure; the caller then still owns `listener`.
 */
capus_httpd *_Nullable capus_httpd_start(int listener, struct capus_httpd_limits limits,
					 capus_httpd_handler _Nonnull handler,
					 void *_Nullable context);
/* Ends the thread, every connection and the listener. */
void capus_httpd_stop(capus_httpd *_Nonnull httpd);

/* A request header's value, valid during the handler; NULL when absent. */
const char *_Nullable capus_httpd_header(capus_httpd_connection *_Nonnull connection,
					 const char *_Nonnull name);
/* Queues a copy of `body`. Returns 0 when the connection must be dropped. */
int capus_httpd_reply(capus_httpd_connection *_Nonnull connection, unsigned status,
		      const void *_Nullable body, size_t body_size,
		      const char *_Nonnull content_type, const char *_Nullable allow);
