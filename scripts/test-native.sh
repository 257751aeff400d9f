#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles for this machine what the kernel half computes, and holds it against exact arithmetic.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .build/native
# shellcheck disable=SC2086 # A list of words.
"${CC:-cc}" ${CFLAGS:-} -std=c11 -O2 -Wall -Wextra -Werror -I bpf/include -I bpf/abi \
	Tests/native/exphist.c -o .build/native/exphist
.build/native/exphist
