#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes .build/venv, the Python environment of the acceptance tests, when what it needs has changed.
set -eu
cd "$(dirname "$0")/.."
requirements=Tests/acceptance/requirements.txt
! cmp --silent "$requirements" .build/venv/requirements.txt || exit 0
echo "venv: making the Python environment .build/venv" >&2
rm -rf .build/venv
python3 -m venv .build/venv
.build/venv/bin/pip install --quiet --disable-pip-version-check --requirement "$requirements"
# Last, so that an interrupted run is begun again.
cp "$requirements" .build/venv/requirements.txt
