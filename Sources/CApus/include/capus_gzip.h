/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) over zlib, which is linked statically: a stream that is used again and again. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct capus_gzip capus_gzip;

/* `level` 1 (fast) to 9. About 270 KB until it is freed; NULL when memory is short. */
capus_gzip *_Nullable capus_gzip_new(int level);
void capus_gzip_free(capus_gzip *_Nonnull gzip);
/* Begins another stream with the same settings. */
void capus_gzip_reset(capus_gzip *_Nonnull gzip);

/*
 * Compresses `*input_count` bytes and writes at most `*output_count`; both are set to what was
 * used. `finish` ends the stream after this input: call again with no input until it returns true,
 * the end has been written. Without `finish` it always returns false.
 */
_Bool capus_gzip_write(capus_gzip *_Nonnull gzip, const void *_Nullable input,
		       size_t *_Nonnull input_count, void *_Nonnull output,
		       size_t *_Nonnull output_count, _Bool finish);
