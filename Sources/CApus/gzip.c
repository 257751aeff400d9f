/* SPDX-License-Identifier: Apache-2.0 */
#include "capus_gzip.h"
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct capus_gzip {
	z_stream stream;
};

capus_gzip *capus_gzip_new(int level)
{
	/* 15 bits of window; 16 more ask for gzip's header and trailer in place of zlib's. */
	const int window = 15 + 16, memory = 8;
	capus_gzip *gzip = calloc(1, sizeof(*gzip));
	if (!gzip)
		return nullptr;
	if (deflateInit2(&gzip->stream, level, Z_DEFLATED, window, memory, Z_DEFAULT_STRATEGY) ==
	    Z_OK)
		return gzip;
	free(gzip);
	return nullptr;
}

void capus_gzip_free(capus_gzip *gzip)
{
	deflateEnd(&gzip->stream);
	free(gzip);
}

void capus_gzip_reset(capus_gzip *gzip)
{
	deflateReset(&gzip->stream);
}

static uInt bounded(size_t count)
{
	return count > UINT_MAX ? UINT_MAX : (uInt)count;
}

_Bool capus_gzip_write(capus_gzip *gzip, const void *input, size_t *input_count, void *output,
		       size_t *output_count, _Bool finish)
{
	z_stream *stream = &gzip->stream;
	uInt offered = bounded(*input_count), room = bounded(*output_count);
	/* The end may only be asked for once all that is left fits one call. */
	bool is_last = finish && offered == *input_count;
	stream->next_in = (z_const Bytef *)input;
	stream->avail_in = offered;
	stream->next_out = output;
	stream->avail_out = room;
	int code = deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH);
	*input_count = offered - stream->avail_in;
	*output_count = room - stream->avail_out;
	return code == Z_STREAM_END;
}
