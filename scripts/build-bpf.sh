#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles each bpf/NAME.bpf.c twice into .build/bpf: NAME.bpf.o for kernels from 5.12 (typed
# tracepoints, fetching atomics, task storage) and NAME.compat.bpf.o for older or stricter ones.
# Writes .build/bpf/objects.inc, by which Sources/CApus/objects.c carries them all in the binary.
# Debian's clang is used because other compilers' objects were seen refused by some verifiers.
set -eu
cd "$(dirname "$0")/.."
clang=${APUS_BPF_CLANG:-clang-14}
out=${APUS_BPF_OUT:-.build/bpf}
arch=$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
mkdir -p "$out"

compile() { # source, object, flags...
	source=$1 object=$2
	shift 2
	"$clang" -target bpf -mcpu=v3 -D__TARGET_ARCH_"$arch" -g -O2 -Wall -Wextra -Werror \
		-Wno-unused-parameter -I bpf/include -I bpf/abi "$@" -c "$source" -o "$object.new"
	keep "$object"
}

keep() { # file; an unchanged one keeps its time stamp, so that the user half is not built again
	cmp --silent "$1.new" "$1" && rm "$1.new" || mv "$1.new" "$1"
}

embed() { # identifier, object
	printf 'static _Alignas(8) const unsigned char %s[] = {\n#embed "%s"\n};\n' "$1" "$2"
}

table=
: >"$out/objects.inc.new"
for source in bpf/*.bpf.c; do
	name=$(basename "$source" .bpf.c)
	compile "$source" "$out/$name.bpf.o"
	compile "$source" "$out/$name.compat.bpf.o" -DAPUS_COMPAT
	embed "${name}_modern" "$name.bpf.o" >>"$out/objects.inc.new"
	embed "${name}_compatible" "$name.compat.bpf.o" >>"$out/objects.inc.new"
	table="$table	PROBE($name),
"
done
printf 'static const struct probe probes[] = {\n%s};\n' "$table" >>"$out/objects.inc.new"
keep "$out/objects.inc"
