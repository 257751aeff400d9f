#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs tests with a sanitizer built in, each in a build of its own below .build:
#   address   unit tests, those of random input for APUS_FUZZ_SECONDS each; memory, leaks, and
#             undefined behaviour of the C parts
#   agent     acceptance tests of the agent and the tools from that build, and random requests
#   thread    unit tests; data races
#   native    the C parts of scripts/test-native.sh
# What is found in libraries of others is named in Tests/sanitizers, with the reason.
set -eu
cd "$(dirname "$0")/.."
lists=$PWD/Tests/sanitizers
export ASAN_OPTIONS="suppressions=$lists/address.txt:detect_stack_use_after_return=1"
export LSAN_OPTIONS="suppressions=$lists/leaks.txt:print_suppressions=0"
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS="suppressions=$lists/races.txt:halt_on_error=0"
export APUS_FUZZ_SECONDS="${APUS_FUZZ_SECONDS:-60}"
mkdir -p .build/test

case ${1:-} in
address)
	# XCTest, of which there are no tests, leaks what it needs to run none.
	exec timeout 3600 swift test --sanitize=address --scratch-path .build/address \
		--disable-xctest -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined \
		--xunit-output .build/test/address.xml
	;;
agent)
	reports=$PWD/.build/address/reports
	rm -rf "$reports" && mkdir -p "$reports"
	status=0
	export APUS="$PWD/.build/address/debug/apus"
	export ASAN_OPTIONS="$ASAN_OPTIONS:log_path=$reports/agent"
	timeout 5400 .build/venv/bin/pytest Tests/acceptance \
		--junit-xml .build/test/agent.xml || status=$?
	# A test may expect that an agent ends; that it has a report, none does.
	for report in "$reports"/*; do
		[ -e "$report" ] || continue
		cat "$report"
		status=1
	done
	exit $status
	;;
thread)
	unset APUS_FUZZ_SECONDS
	exec timeout 3600 swift test --sanitize=thread --scratch-path .build/thread \
		--xunit-output .build/test/thread.xml
	;;
native)
	toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
	export CC="$toolchain/clang"
	export CFLAGS="-g -fuse-ld=lld -fsanitize=address,undefined -fno-sanitize-recover=all"
	exec scripts/test-native.sh
	;;
*) echo "usage: scripts/test-sanitizers.sh address|agent|thread|native" >&2 && exit 2 ;;
esac
