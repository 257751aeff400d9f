/* SPDX-License-Identifier: Apache-2.0 */
/* The type checks of curl's headers are macros that would rewrite calls through the table. */
#define CURL_DISABLE_TYPECHECK
#include "capus_curl.h"
#include "capus_library.h"

#include <curl/curl.h>
#include <stdio.h>
#include <threads.h>

static_assert(sizeof(curl_off_t) == sizeof(int64_t), "capus_curl_seek passes int64_t");

#define FUNCTIONS(X)                                                                               \
	X(curl_global_init)                                                                        \
	X(curl_version)                                                                            \
	X(curl_easy_init)                                                                          \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_reset)                                                                         \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_strerror)                                                                      \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)                                                                     \
	X(curl_multi_init)                                                                         \
	X(curl_multi_cleanup)                                                                      \
	X(curl_multi_setopt)                                                                       \
	X(curl_multi_add_handle)                                                                   \
	X(curl_multi_remove_handle)                                                                \
	X(curl_multi_perform)                                                                      \
	X(curl_multi_poll)                                                                         \
	X(curl_multi_wakeup)                                                                       \
	X(curl_multi_info_read)                                                                    \
	X(curl_multi_strerror)

#define POINTER(name) __typeof__(name) *name;
#define SYMBOL(name)  {#name, (void **)&api.name},

static struct {
	FUNCTIONS(POINTER)
} api;

static once_flag opened = ONCE_FLAG_INIT;
static char failure[512];

static void open_once(void)
{
	const struct capus_symbol symbols[] = {FUNCTIONS(SYMBOL)};
	if (capus_library_open("libcurl.so.4", "libcurl4", symbols,
			       sizeof(symbols) / sizeof(symbols[0]), failure, sizeof(failure)))
		return;
	CURLcode code = api.curl_global_init(CURL_GLOBAL_DEFAULT);
	if (code)
		snprintf(failure, sizeof(failure), "libcurl.so.4 does not start: %s",
			 api.curl_easy_strerror(code));
}

const char *capus_curl_open(void)
{
	call_once(&opened, open_once);
	return failure[0] ? failure : nullptr;
}

const char *capus_curl_version(void)
{
	return api.curl_version();
}

capus_curl_easy *capus_curl_easy_new(void)
{
	return api.curl_easy_init();
}

void capus_curl_easy_free(capus_curl_easy *easy)
{
	api.curl_easy_cleanup(easy);
}

void capus_curl_easy_reset(capus_curl_easy *easy)
{
	api.curl_easy_reset(easy);
}

const char *capus_curl_easy_text(int code)
{
	return api.curl_easy_strerror((CURLcode)code);
}

/* libcurl numbers its options by argument type in steps of 10000. */
static bool is_type(uint32_t option, uint32_t type)
{
	return option / 10000 == type / 10000;
}

int capus_curl_set_long(capus_curl_easy *easy, uint32_t option, long value)
{
	if (!is_type(option, CURLOPTTYPE_LONG))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	return (int)api.curl_easy_setopt(easy, (CURLoption)option, value);
}

int capus_curl_set_offset(capus_curl_easy *easy, uint32_t option, int64_t value)
{
	if (!is_type(option, CURLOPTTYPE_OFF_T))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	return (int)api.curl_easy_setopt(easy, (CURLoption)option, (curl_off_t)value);
}

int capus_curl_set_string(capus_curl_easy *easy, uint32_t option, const char *value)
{
	if (!is_type(option, CURLOPTTYPE_STRINGPOINT))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	return (int)api.curl_easy_setopt(easy, (CURLoption)option, value);
}

int capus_curl_set_pointer(capus_curl_easy *easy, uint32_t option, void *value)
{
	if (!is_type(option, CURLOPTTYPE_OBJECTPOINT))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	return (int)api.curl_easy_setopt(easy, (CURLoption)option, value);
}

int capus_curl_set_blob(capus_curl_easy *easy, uint32_t option, const void *bytes, size_t count)
{
	if (!is_type(option, CURLOPTTYPE_BLOB))
		return CURLE_BAD_FUNCTION_ARGUMENT;
	struct curl_blob blob = {.data = (void *)bytes, .len = count, .flags = CURL_BLOB_COPY};
	return (int)api.curl_easy_setopt(easy, (CURLoption)option, &blob);
}

int capus_curl_set_headers(capus_curl_easy *easy, capus_curl_list *headers)
{
	return (int)api.curl_easy_setopt(easy, CURLOPT_HTTPHEADER, (struct curl_slist *)headers);
}

int capus_curl_set_callbacks(capus_curl_easy *easy, capus_curl_data read, capus_curl_seek seek,
			     capus_curl_data write, capus_curl_data header, void *context)
{
	const struct {
		CURLoption option;
		void *value;
	} settings[] = {
	    {CURLOPT_READFUNCTION, (void *)read},     {CURLOPT_READDATA, context},
	    {CURLOPT_SEEKFUNCTION, (void *)seek},     {CURLOPT_SEEKDATA, context},
	    {CURLOPT_WRITEFUNCTION, (void *)write},   {CURLOPT_WRITEDATA, context},
	    {CURLOPT_HEADERFUNCTION, (void *)header}, {CURLOPT_HEADERDATA, context},
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		CURLcode code = api.curl_easy_setopt(easy, settings[i].option, settings[i].value);
		if (code)
			return (int)code;
	}
	return CURLE_OK;
}

int capus_curl_set_handshake(capus_curl_easy *easy, capus_curl_handshake begin, void *context)
{
	CURLcode code = api.curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, (void *)begin);
	if (code)
		return (int)code;
	return (int)api.curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, context);
}

int capus_curl_get_long(capus_curl_easy *easy, uint32_t info, long *value)
{
	if ((info & CURLINFO_TYPEMASK) != CURLINFO_LONG)
		return CURLE_BAD_FUNCTION_ARGUMENT;
	return (int)api.curl_easy_getinfo(easy, (CURLINFO)info, value);
}

int capus_curl_get_offset(capus_curl_easy *easy, uint32_t info, int64_t *value)
{
	if ((info & CURLINFO_TYPEMASK) != CURLINFO_OFF_T)
		return CURLE_BAD_FUNCTION_ARGUMENT;
	curl_off_t offset = 0;
	CURLcode code = api.curl_easy_getinfo(easy, (CURLINFO)info, &offset);
	*value = offset;
	return (int)code;
}

capus_curl_list *capus_curl_list_append(capus_curl_list *list, const char *text)
{
	return (capus_curl_list *)api.curl_slist_append((struct curl_slist *)list, text);
}

void capus_curl_list_free(capus_curl_list *list)
{
	api.curl_slist_free_all((struct curl_slist *)list);
}

capus_curl_multi *capus_curl_multi_new(void)
{
	return api.curl_multi_init();
}

void capus_curl_multi_free(capus_curl_multi *multi)
{
	api.curl_multi_cleanup(multi);
}

int capus_curl_multi_set_long(capus_curl_multi *multi, uint32_t option, long value)
{
	if (!is_type(option, CURLOPTTYPE_LONG))
		return CURLM_UNKNOWN_OPTION;
	return (int)api.curl_multi_setopt(multi, (CURLMoption)option, value);
}

int capus_curl_multi_add(capus_curl_multi *multi, capus_curl_easy *easy)
{
	return (int)api.curl_multi_add_handle(multi, easy);
}

int capus_curl_multi_remove(capus_curl_multi *multi, capus_curl_easy *easy)
{
	return (int)api.curl_multi_remove_handle(multi, easy);
}

int capus_curl_multi_perform(capus_curl_multi *multi, int *running)
{
	return (int)api.curl_multi_perform(multi, running);
}

int capus_curl_multi_poll(capus_curl_multi *multi, int timeout_ms)
{
	return (int)api.curl_multi_poll(multi, nullptr, 0, timeout_ms, nullptr);
}

int capus_curl_multi_wakeup(capus_curl_multi *multi)
{
	return (int)api.curl_multi_wakeup(multi);
}

struct capus_curl_done capus_curl_multi_next(capus_curl_multi *multi)
{
	int left;
	CURLMsg *message = api.curl_multi_info_read(multi, &left);
	/* CURLMSG_DONE is the only message there is. */
	if (!message || message->msg != CURLMSG_DONE)
		return (struct capus_curl_done){};
	return (struct capus_curl_done){.easy = message->easy_handle,
					.code = (int)message->data.result};
}

const char *capus_curl_multi_text(int code)
{
	return api.curl_multi_strerror((CURLMcode)code);
}
