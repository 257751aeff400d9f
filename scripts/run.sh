#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets up, builds and runs the agent. Without arguments it needs no collector: it shows a live
# summary on a terminal, or writes OTLP JSON lines when standard output goes elsewhere. Arguments go
# to `apus agent`; a first argument that is another subcommand is run instead.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh >&2
case ${1:-} in
'') [ -t 1 ] && set -- agent || set -- agent --otlp-file - ;;
-*) set -- agent "$@" ;;
esac
if [ "$(id -u)" = 0 ]; then exec .build/release/apus "$@"; fi
# The environment carries OTEL_* settings.
exec sudo --preserve-env .build/release/apus "$@"
