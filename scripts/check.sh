#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything that can be said of the source without running it: format, shell, warnings of the
# kernel half, and the rules of Tests/tidy. Ends with "check: N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0

check() { # what, command...
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "check: FAILED: $what: $*"
	fi
}

c_sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.cc' '*.h')
# shellcheck disable=SC2086 # A list of words.
check "C format" clang-format-14 --dry-run -Werror $c_sources
check "Swift format" swift format lint --strict --recursive Sources Tests Package.swift
check "kernel half" scripts/build-bpf.sh
if command -v shellcheck >/dev/null; then
	check "shell" shellcheck --severity=warning scripts/*.sh .ci/run
else
	skipped=$((skipped + 1))
	echo "SKIP check/shell: shellcheck is not installed"
fi
for rule in $(python3 Tests/tidy/tidy.py --list); do
	check "tidy" python3 Tests/tidy/tidy.py "$rule"
done
echo "check: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
