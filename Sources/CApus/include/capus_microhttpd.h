/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd behind a table of typed function pointers, filled by capus_httpd_open; no other
 * function here may be called before that one returned NULL.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct capus_httpd capus_httpd;
typedef struct capus_httpd_tls capus_httpd_tls;
typedef struct capus_httpd_connection capus_httpd_connection;
typedef struct capus_httpd_response capus_httpd_response;

/*
 * Called by capus_httpd_run, once per request as soon as its header is read. It must call
 * capus_httpd_send and return what that returned, or return 0.
 */
typedef int (*capus_httpd_handler)(void *_Nullable context,
				   capus_httpd_connection *_Nonnull connection,
				   const char *_Nonnull path, const char *_Nonnull method);

struct capus_httpd_limits {
	unsigned connections;
	unsigned connections_per_address;
	/* Without a byte in either direction. */
	unsigned idle_seconds;
	/* From the connection's start, or the request before, to the end of a request. */
	unsigned request_seconds;
	size_t connection_bytes;
};

/* NULL when libmicrohttpd is open, else a message that lives for ever. Thread-safe. */
const char *_Nullable capus_httpd_open(void);

/*
 * A certificate chain and its key, from PEM files that are read anew when a client comes and they
 * have changed. NULL after writing to `message` what is wrong. Opens libgnutls, too.
 */
capus_httpd_tls *_Nullable capus_httpd_tls_new(const char *_Nonnull certificate,
					       const char *_Nonnull key, char *_Nonnull message,
					       size_t message_size);
void capus_httpd_tls_free(capus_httpd_tls *_Nonnull tls);
/*
 * Once for files that have changed: the certificate's path when they are taken, else what is wrong
 * with them. NULL when nothing has happened.
 */
const char *_Nullable capus_httpd_tls_news(capus_httpd_tls *_Nonnull tls, bool *_Nonnull is_taken);

/*
 * Serves `listener`, a listening socket, whenever capus_httpd_run is called; over TLS when there is
 * `tls`, which must live as long. NULL with errno on failure; the caller then still owns
 * `listener`.
 */
capus_httpd *_Nullable capus_httpd_start(int listener, struct capus_httpd_limits limits,
					 capus_httpd_tls *_Nullable tls,
					 capus_httpd_handler _Nonnull handler,
					 void *_Nullable context);
/*
 * Waits up to a second for something to do, and does it; `stop`, a descriptor, ends the wait. Only
 * ever called by one thread.
 */
void capus_httpd_run(capus_httpd *_Nonnull httpd, int stop);
/* Ends every connection and the listener; nobody may be in capus_httpd_run. */
void capus_httpd_stop(capus_httpd *_Nonnull httpd);

/* Where a client is: IPv4 as IPv6 writes it, ::ffff:a.b.c.d; only to tell clients apart. */
struct capus_httpd_address {
	uint64_t high;
	uint64_t low;
};
struct capus_httpd_address capus_httpd_client(capus_httpd_connection *_Nonnull connection);

/* A request header's value, valid during the handler; NULL when absent. */
const char *_Nullable capus_httpd_header(capus_httpd_connection *_Nonnull connection,
					 const char *_Nonnull name);
/*
 * A response whose body is not copied: `release` is called with `context` when it is no longer
 * needed. NULL when memory is short, and then nothing is called.
 */
capus_httpd_response *_Nullable capus_httpd_response_new(
    const void *_Nullable body, size_t body_size, void (*_Nonnull release)(void *_Nullable context),
    void *_Nullable context);
/* Returns 0 when there is no room for it. */
int capus_httpd_response_header(capus_httpd_response *_Nonnull response, const char *_Nonnull name,
				const char *_Nonnull value);
/* Queues the response and lets go of it. Returns 0 when the connection must be dropped. */
int capus_httpd_send(capus_httpd_connection *_Nonnull connection, unsigned status,
		     capus_httpd_response *_Nonnull response);
