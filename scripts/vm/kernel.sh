#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Arguments: a Debian kernel package, a directory. Unpacks the kernel there unless it is there.
set -eu
image=$1 directory=$2
[ -e "$directory/$image/boot" ] && exit
mkdir -p "$directory/deb"
(cd "$directory/deb" && apt-get download --quiet --quiet "$image" 2>/dev/null)
dpkg --extract "$directory/deb/$image"_*.deb "$directory/$image"
