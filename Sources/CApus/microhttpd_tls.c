/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's certificate. libmicrohttpd asks for it at each handshake, so that files that were
 * replaced are taken without a restart. GnuTLS, which libmicrohttpd itself is linked with, is
 * opened only where TLS is configured.
 */
#define _POSIX_C_SOURCE 200809L
#include "microhttpd_tls.h"
#include "capus_library.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#define FUNCTIONS(X)                                                                               \
	X(gnutls_strerror)                                                                         \
	X(gnutls_certificate_allocate_credentials)                                                 \
	X(gnutls_certificate_free_credentials)                                                     \
	X(gnutls_certificate_set_x509_key_mem2)                                                    \
	X(gnutls_pcert_list_import_x509_raw)                                                       \
	X(gnutls_pcert_deinit)                                                                     \
	X(gnutls_privkey_init)                                                                     \
	X(gnutls_privkey_import_x509_raw)                                                          \
	X(gnutls_privkey_deinit)

#define POINTER(name) __typeof__(name) *name;
#define SYMBOL(name)  {#name, (void **)&api.name},

enum {
	FILE_MAX = 64 << 10,
	CHAIN_MAX = 16,
	/* Longer than any handshake may take: a certificate in use must not be freed. */
	RETIRED_SECONDS = 120,
};

static struct {
	FUNCTIONS(POINTER)
} api;

static once_flag opened = ONCE_FLAG_INIT;
static char failure[512];
static thread_local capus_httpd_tls *current;

struct text {
	size_t size;
	unsigned char bytes[FILE_MAX];
};

/* A chain and its key; of those that were replaced, each knows when. */
struct identity {
	struct identity *older;
	uint64_t retired;
	unsigned length;
	gnutls_pcert_st chain[CHAIN_MAX];
	gnutls_privkey_t key;
};

struct files {
	struct text certificate;
	struct text key;
};

struct capus_httpd_tls {
	char *certificate;
	char *key;
	/* As they were read last, also when nothing could be made of them. */
	struct files *last;
	struct files *next;
	struct identity *newest;
	uint64_t looked;
	bool has_news;
	bool is_taken;
	char news[512];
};

static void open_once(void)
{
	const struct capus_symbol symbols[] = {FUNCTIONS(SYMBOL)};
	capus_library_open("libgnutls.so.30", "libgnutls30", symbols,
			   sizeof(symbols) / sizeof(symbols[0]), failure, sizeof(failure));
}

static uint64_t seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static int read_text(const char *path, struct text *text, char *message, size_t message_size)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		snprintf(message, message_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	text->size = fread(text->bytes, 1, FILE_MAX, file);
	bool is_read = !ferror(file) && text->size < FILE_MAX;
	fclose(file);
	if (is_read)
		return 0;
	snprintf(message, message_size, "%s: cannot be read, or is larger than 64 KiB", path);
	return -1;
}

static bool is_same(const struct text *one, const struct text *other)
{
	return one->size == other->size && memcmp(one->bytes, other->bytes, one->size) == 0;
}

static gnutls_datum_t datum(struct text *text)
{
	return (gnutls_datum_t){text->bytes, (unsigned)text->size};
}

static void free_identity(struct identity *identity)
{
	for (unsigned i = 0; i < identity->length; i++)
		api.gnutls_pcert_deinit(&identity->chain[i]);
	if (identity->key)
		api.gnutls_privkey_deinit(identity->key);
	free(identity);
}

/* Whether key and certificate belong together, which importing them one by one does not ask. */
static int check(gnutls_datum_t certificate, gnutls_datum_t key)
{
	gnutls_certificate_credentials_t credentials;
	int code = api.gnutls_certificate_allocate_credentials(&credentials);
	if (code < 0)
		return code;
	code = api.gnutls_certificate_set_x509_key_mem2(credentials, &certificate, &key,
							GNUTLS_X509_FMT_PEM, nullptr, 0);
	api.gnutls_certificate_free_credentials(credentials);
	return code;
}

static int fill(struct identity *identity, struct files *files)
{
	gnutls_datum_t certificate = datum(&files->certificate), key = datum(&files->key);
	int code = check(certificate, key);
	if (code < 0)
		return code;
	unsigned length = CHAIN_MAX;
	code = api.gnutls_pcert_list_import_x509_raw(identity->chain, &length, &certificate,
						     GNUTLS_X509_FMT_PEM, 0);
	if (code < 0)
		return code;
	identity->length = length;
	code = api.gnutls_privkey_init(&identity->key);
	if (code < 0)
		return code;
	return api.gnutls_privkey_import_x509_raw(identity->key, &key, GNUTLS_X509_FMT_PEM, nullptr,
						  0);
}

/* 1 when there is a new identity, 0 when the files are as they were, -1 with a message. */
static int load(capus_httpd_tls *tls, char *message, size_t message_size)
{
	if (read_text(tls->certificate, &tls->next->certificate, message, message_size) ||
	    read_text(tls->key, &tls->next->key, message, message_size))
		return -1;
	if (is_same(&tls->next->certificate, &tls->last->certificate) &&
	    is_same(&tls->next->key, &tls->last->key))
		return 0;
	struct files *read = tls->next;
	tls->next = tls->last;
	tls->last = read;
	struct identity *identity = calloc(1, sizeof(*identity));
	int code = identity ? fill(identity, read) : GNUTLS_E_MEMORY_ERROR;
	if (code < 0) {
		snprintf(message, message_size, "%s with %s: %s", tls->certificate, tls->key,
			 api.gnutls_strerror(code));
		if (identity)
			free_identity(identity);
		return -1;
	}
	if (tls->newest)
		tls->newest->retired = seconds_now();
	identity->older = tls->newest;
	tls->newest = identity;
	return 1;
}

static void free_older(struct identity *than, uint64_t now)
{
	struct identity **link = &than->older;
	while (*link && (*link)->retired + RETIRED_SECONDS > now)
		link = &(*link)->older;
	for (struct identity *old = *link; old;) {
		struct identity *older = old->older;
		free_identity(old);
		old = older;
	}
	*link = nullptr;
}

capus_httpd_tls *capus_httpd_tls_new(const char *certificate, const char *key, char *message,
				     size_t message_size)
{
	call_once(&opened, open_once);
	if (failure[0]) {
		snprintf(message, message_size, "%s", failure);
		return nullptr;
	}
	capus_httpd_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return nullptr;
	tls->certificate = strdup(certificate);
	tls->key = strdup(key);
	tls->last = calloc(1, sizeof(*tls->last));
	tls->next = calloc(1, sizeof(*tls->next));
	snprintf(message, message_size, "%s", strerror(ENOMEM));
	if (tls->certificate && tls->key && tls->last && tls->next) {
		int loaded = load(tls, message, message_size);
		if (loaded == 1)
			return tls;
		if (loaded == 0)
			snprintf(message, message_size, "%s and %s are empty", certificate, key);
	}
	capus_httpd_tls_free(tls);
	return nullptr;
}

void capus_httpd_tls_free(capus_httpd_tls *tls)
{
	if (tls->newest) {
		free_older(tls->newest, UINT64_MAX);
		free_identity(tls->newest);
	}
	free(tls->certificate);
	free(tls->key);
	free(tls->last);
	free(tls->next);
	free(tls);
}

const char *capus_httpd_tls_news(capus_httpd_tls *tls, bool *is_taken)
{
	if (!tls->has_news)
		return nullptr;
	tls->has_news = false;
	*is_taken = tls->is_taken;
	return tls->news;
}

void capus_httpd_tls_enter(capus_httpd_tls *tls)
{
	current = tls;
}

int capus_httpd_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
			     const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
			     gnutls_pcert_st **chain, unsigned *chain_length, gnutls_privkey_t *key)
{
	(void)session;
	(void)names;
	(void)name_count;
	(void)algorithms;
	(void)algorithm_count;
	capus_httpd_tls *tls = current;
	uint64_t now = seconds_now();
	/* However many clients come, the files are read once a second. */
	if (tls->looked != now) {
		tls->looked = now;
		char message[sizeof(tls->news)];
		int loaded = load(tls, message, sizeof(message));
		bool is_new = loaded > 0 || (loaded < 0 && strcmp(message, tls->news) != 0);
		if (is_new) {
			tls->has_news = true;
			tls->is_taken = loaded > 0;
			snprintf(tls->news, sizeof(tls->news), "%s",
				 tls->is_taken ? tls->certificate : message);
		}
		free_older(tls->newest, now);
	}
	*chain = tls->newest->chain;
	*chain_length = tls->newest->length;
	*key = tls->newest->key;
	return 0;
}
