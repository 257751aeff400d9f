/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl behind a table of typed function pointers, filled by capus_curl_open; no other function
 * here may be called before that one returned NULL. Codes and options are libcurl's own numbers
 * (CURLcode, CURLMcode, CURLoption); its variadic functions are split by argument type.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct capus_curl_easy capus_curl_easy;
typedef struct capus_curl_multi capus_curl_multi;
typedef struct capus_curl_list capus_curl_list;

typedef size_t (*capus_curl_data)(char *_Nonnull bytes, size_t size, size_t count,
				  void *_Nullable context);
typedef int (*capus_curl_seek)(void *_Nullable context, int64_t offset, int origin);

typedef int (*capus_curl_handshake)(void *_Nullable easy, void *_Nullable tls,
				    void *_Nullable context);

/* A finished transfer; `easy` is NULL when there is none. */
struct capus_curl_done {
	capus_curl_easy *_Nullable easy;
	int code;
};

/* NULL when libcurl is open and initialised, else a message that lives for ever. Thread-safe. */
const char *_Nullable capus_curl_open(void);
/* libcurl's version text, for diagnostics. */
const char *_Nonnull capus_curl_version(void);

capus_curl_easy *_Nullable capus_curl_easy_new(void);
void capus_curl_easy_free(capus_curl_easy *_Nonnull easy);
void capus_curl_easy_reset(capus_curl_easy *_Nonnull easy);
const char *_Nonnull capus_curl_easy_text(int code);

/* Each refuses an option of another type with CURLE_BAD_FUNCTION_ARGUMENT. */
int capus_curl_set_long(capus_curl_easy *_Nonnull easy, uint32_t option, long value);
int capus_curl_set_offset(capus_curl_easy *_Nonnull easy, uint32_t option, int64_t value);
int capus_curl_set_string(capus_curl_easy *_Nonnull easy, uint32_t option,
			  const char *_Nullable value);
int capus_curl_set_pointer(capus_curl_easy *_Nonnull easy, uint32_t option, void *_Nullable value);
/* The bytes are copied. */
int capus_curl_set_blob(capus_curl_easy *_Nonnull easy, uint32_t option, const void *_Nonnull bytes,
			size_t count);
/* The list must outlive the transfer. */
int capus_curl_set_headers(capus_curl_easy *_Nonnull easy, capus_curl_list *_Nullable headers);
/* `context` is handed to all four. */
int capus_curl_set_callbacks(capus_curl_easy *_Nonnull easy, capus_curl_data _Nonnull read,
			     capus_curl_seek _Nonnull seek, capus_curl_data _Nonnull write,
			     capus_curl_data _Nonnull header, void *_Nullable context);
/* `begin` is called when a TLS handshake begins; it returns 0. Not every libcurl can do that. */
int capus_curl_set_handshake(capus_curl_easy *_Nonnull easy, capus_curl_handshake _Nonnull begin,
			     void *_Nullable context);
/* These refuse a fact of another type likewise. */
int capus_curl_get_long(capus_curl_easy *_Nonnull easy, uint32_t info, long *_Nonnull value);
int capus_curl_get_offset(capus_curl_easy *_Nonnull easy, uint32_t info, int64_t *_Nonnull value);

/* Appends a copy of `text`; NULL when memory is short, and `list` is then still the caller's. */
capus_curl_list *_Nullable capus_curl_list_append(capus_curl_list *_Nullable list,
						  const char *_Nonnull text);
void capus_curl_list_free(capus_curl_list *_Nullable list);

capus_curl_multi *_Nullable capus_curl_multi_new(void);
/* Every transfer must have been removed. */
void capus_curl_multi_free(capus_curl_multi *_Nonnull multi);
int capus_curl_multi_set_long(capus_curl_multi *_Nonnull multi, uint32_t option, long value);
int capus_curl_multi_add(capus_curl_multi *_Nonnull multi, capus_curl_easy *_Nonnull easy);
int capus_curl_multi_remove(capus_curl_multi *_Nonnull multi, capus_curl_easy *_Nonnull easy);
int capus_curl_multi_perform(capus_curl_multi *_Nonnull multi, int *_Nonnull running);
int capus_curl_multi_poll(capus_curl_multi *_Nonnull multi, int timeout_ms);
/* The only function that another thread may call. */
int capus_curl_multi_wakeup(capus_curl_multi *_Nonnull multi);
struct capus_curl_done capus_curl_multi_next(capus_curl_multi *_Nonnull multi);
const char *_Nonnull capus_curl_multi_text(int code);
