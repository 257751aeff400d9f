#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a Debian 12 machine that has Swift, git and Python able to build Apus; with --test also to
# test and measure it, with --full also to boot other kernels. What is done already is left alone.
set -eu
cd "$(dirname "$0")/.."
packages="clang-14 clang-format-14 binutils libc6-dev libstdc++-12-dev libbpf-dev libelf-dev
	zlib1g-dev libyaml-dev libcurl4-openssl-dev libmicrohttpd-dev bpftool openssl"
# Counterparts of the tests; none is needed to run Apus.
test="make python3-venv libbpf-tools bpftrace prometheus linux-perf shellcheck fio nftables
	iproute2 zsh fish mandoc man-db protobuf-compiler libprotobuf-dev systemd"
full="qemu-system-x86 busybox-static cpio kmod zstd xz-utils"

say() { echo "setup: $*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

not_installed() {
	for package in "$@"; do
		dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep --quiet '^installed' || echo "$package"
	done
}

install() { # without starting the services of packages of which only the programs are wanted
	policy=/usr/sbin/policy-rc.d && say "installing $*"
	as_root apt-get update --quiet=2
	[ -e "$policy" ] || {
		printf '#!/bin/sh\n# apus setup\nexit 101\n' | as_root tee "$policy" &&
			as_root chmod 755 "$policy"
	} >/dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes \
		--no-install-recommends "$@" >&2 && result=0 || result=$?
	! grep --quiet 'apus setup' "$policy" || as_root rm "$policy"
	return "$result"
}

mounted() { # type, directory
	grep --quiet " $2 $1 " /proc/mounts && return
	if as_root mount -t "$1" "$1" "$2" 2>/dev/null; then say "mounted $1 on $2"; else
		say "could not mount $1 on $2: what needs it will say so"; fi
}

case ${1:-} in
'') ;;
--test) packages="$packages $test" ;;
--full) packages="$packages $test $full" ;;
*) say "unknown argument $1; known: --test, --full" && exit 2 ;;
esac
swift --version | grep --quiet 'Swift version 6\.[3-9]' || {
	say "Swift 6.3 or newer must be in PATH: https://www.swift.org/install/linux/"
	exit 1
}
# shellcheck disable=SC2046,SC2086 # Lists of words, meant to be split.
set -- "${1:-build}" $(not_installed $packages)
[ $# = 1 ] || (shift && install "$@")
mounted tracefs /sys/kernel/tracing
mounted bpf /sys/fs/bpf
mounted securityfs /sys/kernel/security
[ "$1" = build ] || scripts/venv.sh
