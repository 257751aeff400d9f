#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the kernel half, then the user half that embeds it. Arguments go to `swift build`.
set -eu
cd "$(dirname "$0")/.."
scripts/build-bpf.sh
swift build --configuration release --static-swift-stdlib "$@"
