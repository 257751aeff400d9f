#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds and runs every test: checks of the source, unit tests, native tests of the C parts
# and, as root, the acceptance tests; with --full also the long ones, all with sanitizers, and other
# kernels. Ends with the line "N passed, N failed, N skipped". A skip not allowed by
# Tests/allowed-skips.txt fails.
set -eu
cd "$(dirname "$0")/.."
size=--test select='not full'
case ${1:-} in
--full) size=--full select='full or not full' ;;
'') ;;
*) echo "usage: scripts/test.sh [--full]" >&2 && exit 2 ;;
esac
scripts/setup.sh "$size"
scripts/build.sh
results=.build/test
rm -rf "$results"
mkdir -p "$results"

layer() { # name, command...; a layer that fails does not keep the next from running
	layer=$1
	shift
	began=$(date +%s)
	echo "== $layer: $*"
	{ "$@" 2>&1 && echo 0 >"$results/$layer.status" || echo $? >"$results/$layer.status"; } |
		tee "$results/$layer.log"
	echo "== $layer took $(($(date +%s) - began)) s"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo --preserve-env "$@"; fi; }

layer check scripts/check.sh
# A test that hangs must not hold everything for ever.
layer unit timeout 900 swift test --parallel --xunit-output "$results/unit.xml"
layer native env CC=clang-14 scripts/test-native.sh
make --silent --directory Tests/workloads
layer acceptance as_root .build/venv/bin/pytest Tests/acceptance -m "$select" \
	--junit-xml "$results/acceptance.xml"
# What becomes of records, and of those that are lost, once more by the other way out of the kernel.
# Where a kernel has no ring it has the older hooks, too: of the long files those are enough.
layer perf as_root env APUS_BUFFER=perf .build/venv/bin/pytest Tests/acceptance -m "$select" \
	-k "(process or ledger or connect or retransmit or execsnoop) \
	and not (test_connect.py and auto) and not (test_retransmit.py and modern)" \
	--junit-xml "$results/perf.xml"
if [ "$size" = --full ]; then
	layer address scripts/test-sanitizers.sh address
	layer agent as_root scripts/test-sanitizers.sh agent
	layer thread scripts/test-sanitizers.sh thread
	layer native-address scripts/test-sanitizers.sh native
	layer kernels scripts/test-vm.sh
else
	echo "== only with --full: acceptance tests marked full, random input for long (address," \
		"agent), sanitizers (those and thread, native-address), other kernels (kernels)"
fi
.build/venv/bin/python Tests/summary.py "$results" Tests/allowed-skips.txt
