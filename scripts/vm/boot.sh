#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Arguments: a kernel, an initial root. Boots once more when the guest hangs, which emulation does
# now and then; succeeds when the guest says that all of its objects passed.
set -eu
kernel=$1 initrd=$2
for attempt in 1 2; do
	output=$(timeout 420 qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max \
		-smp 2 -m 768 -nodefaults -display none -serial stdio -no-reboot \
		-kernel "$kernel" -initrd "$initrd" </dev/null \
		-append "console=ttyS0 quiet panic=-1 oops=panic softlockup_panic=1" |
		tr -d '\r') || true
	case $output in *DONE*) break ;; esac
	echo "attempt $attempt on $kernel did not end" >&2
done
echo "$output" | sed -n '/^KERNEL/,$p'
passed=$(echo "$output" | sed -n 's/^DONE \([0-9]*\) of \([0-9]*\)$/\1 \2/p')
[ -n "$passed" ] && [ "${passed% *}" = "${passed#* }" ]
