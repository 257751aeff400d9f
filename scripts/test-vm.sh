#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loads and attaches every BPF object on the newest Debian 6.1 and 6.12 kernels, under emulation.
# Two compilers' objects are tried: the packaged default's, and the Swift toolchain's.
set -eu
cd "$(dirname "$0")/.."
vm=.build/vm
rm -rf "$vm/root"
mkdir -p "$vm/root/objects" "$vm/deb"

scripts/build-bpf.sh
cp .build/bpf/*.o "$vm/root/objects"
toolchain=$(dirname "$(readlink -f "$(command -v swift)")")/clang
if [ -x "$toolchain" ]; then
	APUS_BPF_CLANG=$toolchain APUS_BPF_OUT=$vm/toolchain scripts/build-bpf.sh
	for object in "$vm"/toolchain/*.o; do
		cp "$object" "$vm/root/objects/toolchain-$(basename "$object")"
	done
fi
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -static -I bpf/abi \
	Tests/native/load.c Tests/native/judge.c Tests/native/workload.c \
	-o "$vm/root/init" -lbpf -lelf -lz
(cd "$vm/root" && find . | cpio --create --format=newc --quiet | gzip -1) >"$vm/initrd.gz"

status=0
for series in 6.1.0 6.12; do
	image=$(apt-cache pkgnames "linux-image-$series" |
		grep -- '[0-9]-cloud-amd64$\|deb12-cloud-amd64$' | sort --version-sort | tail -1)
	scripts/vm/kernel.sh "$image" "$vm"
	kernel=$vm/$image/boot/vmlinuz-${image#linux-image-}
	scripts/vm/boot.sh "$kernel" "$vm/initrd.gz" || status=1
done
exit $status
