// SPDX-License-Identifier: Apache-2.0
// Loads and attaches each BPF object named and sees that it works: 23 execs, 23 failed ones, 23
// exits, 23 connects that are established and 23 that are refused, all of its own making, are 23
// records each, and every wait counted is in a histogram. As init of a guest (process 1) it takes
// what is in /objects and powers off.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "apus_abi.h"
#include "load.h"

enum { SLOTS = 256, CELLS_MAX = 1024 };

static struct btf *kernel;

/* The number of arguments of a typed tracepoint; -1 when the kernel has none of that name. */
static int arguments_of(const char *tracepoint)
{
	char name[128];
	const struct btf_type *type;
	int id;
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF);
	type = id < 0 ? NULL : btf__type_by_id(kernel, id);
	if (!type)
		return -1;
	type = btf__type_by_id(kernel, btf__type_by_id(kernel, type->type)->type);
	return btf_vlen(type) - 1;
}

static int accept_record(void *context, void *data, size_t size)
{
	judge(context, data, size);
	return 0;
}

/* Programs of tracepoints that this kernel lacks, and those that better ones stand in for. */
static void leave_out(struct bpf_object *object)
{
	bool tells_sends = arguments_of("sock_send_length") >= 0;
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);
		const char *hook = strchr(section, '/');
		bool typed = !strncmp(section, "tp_btf/", 7) || !strncmp(section, "raw_tp/", 7);
		if ((typed && arguments_of(hook + 1) < 0) ||
		    (tells_sends && strstr(section, "sys_exit_send")))
			bpf_program__set_autoload(program, false);
	}
}

static void prepare(struct bpf_object *object, struct apus_knobs knobs, int ring, int ledger)
{
	const int cpus = libbpf_num_possible_cpus();
	struct bpf_map *map;
	knobs.exit_tells_group_dead = arguments_of("sched_process_exit") >= 2;
	knobs.retransmit_tells_error = arguments_of("tcp_retransmit_skb") >= 3;
	knobs.block_tells_queue = arguments_of("block_rq_issue") >= 2;
	leave_out(object);
	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		if (!strcmp(name, knobs.perf_buffer ? "events" : "perf_events"))
			bpf_map__set_autocreate(map, false);
		else if (!strcmp(name, "events"))
			bpf_map__reuse_fd(map, ring);
		else if (!strcmp(name, "ledger"))
			bpf_map__reuse_fd(map, ledger);
		else if (!strcmp(name, ".rodata.knobs"))
			bpf_map__set_initial_value(map, &knobs, sizeof(knobs));
		else if (!strcmp(name, "extremes"))
			bpf_map__set_max_entries(map, (__u32)(SLOTS * cpus));
	}
}

/* Iterators and programs of SEC("raw_tp") are run, not attached. */
static bool attached(struct bpf_program *program, int cgroup)
{
	const char *section = bpf_program__section_name(program);
	if (!strcmp(section, "raw_tp"))
		return true;
	if (!strncmp(section, "cgroup/", 7))
		return bpf_program__attach_cgroup(program, cgroup);
	if (!strncmp(section, "iter/", 5)) {
		struct bpf_link *link = bpf_program__attach_iter(program, NULL);
		int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
		char text[512];
		ssize_t got = read(fd, text, sizeof(text));
		close(fd);
		return got == 0;
	}
	return bpf_program__attach(program);
}

static int attach(struct bpf_object *object, int cgroup)
{
	struct bpf_program *program;
	int failed = 0;
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);
		bool right;
		int error;
		if (!bpf_program__autoload(program))
			continue;
		right = attached(program, cgroup);
		error = errno;
		bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
		printf("  %s: %s, %u instructions verified\n", bpf_program__name(program),
		       right ? "attached" : strerror(error), info.verified_insns);
		failed += !right;
	}
	return failed;
}

static __u64 counted(int ledger, __u32 kind)
{
	static struct apus_ledger_cell cells[CELLS_MAX];
	__u64 sum = 0;
	bpf_map_lookup_elem(ledger, &kind, cells);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		sum += cells[cpu].produced - cells[cpu].untracked;
	return sum;
}

static __u64 observed(struct bpf_object *object)
{
	int map = bpf_object__find_map_fd_by_name(object, "histograms");
	struct apus_hist histogram;
	__u64 sum = 0;
	for (__u32 slot = 0; slot < SLOTS; slot++) {
		if (bpf_map_lookup_elem(map, &slot, &histogram))
			continue;
		sum += histogram.zero;
		for (int i = 0; i <= APUS_HIST_BUCKETS; i++)
			sum += histogram.buckets[i];
	}
	return sum;
}

/* Knobs remove code before the verifier sees it, so what they bring back is loaded as well. */
static bool loads_otherwise(const char *path, int ring, int ledger)
{
	const struct apus_knobs variants[] = {
	    {.cgroup_key = APUS_CGROUP_V2 | 1, .pid = 1, .self_pid = 2, .wake_bytes = 4096},
	    {.cgroup_key = APUS_CGROUP_V1_CPU | 1, .slot_by = APUS_SLOT_BY_PROCESS, .parts = 14},
	    {.cgroup_key = APUS_CGROUP_V1_MEMORY | 1, .slot_by = APUS_SLOT_BY_THREAD},
	    {.cgroup_key = APUS_CGROUP_V1_BLKIO | 1,
	     .slot_by = APUS_SLOT_BY_DEVICE,
	     .device = 1,
	     .parts = 2},
	    {.uid = ~0U, .slot_by = APUS_SLOT_BY_FLAGS, .parts = 8, .perf_buffer = 1, .failed = 1},
	    {.uid = 7, .slot_by = APUS_SLOT_BY_ALL, .parts = 6, .replicas = 2, .cpus = 2},
	    {.uid = ~0U, .failed = 1, .slot_by = APUS_SLOT_BY_PID_NAMESPACE, .replicas = 8},
	    {.uid = ~0U,
	     .failed = 1,
	     .slot_by = APUS_SLOT_BY_NOTHING,
	     .cpus = 8,
	     .log2_unit_ns = 1000},
	};
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		struct bpf_object *object = bpf_object__open(path);
		prepare(object, variants[i], ring, ledger);
		int failed = bpf_object__load(object);
		bpf_object__close(object);
		if (failed) {
			printf("  variant %zu of the knobs does not load\n", i);
			return false;
		}
	}
	return true;
}

/* Whether the object saw what was made; one that makes no records of it is right once attached. */
static bool saw_all(const char *path, struct bpf_object *object, int ring, int ledger)
{
	struct seen seen = {0};
	struct ring_buffer *reader = ring_buffer__new(ring, accept_record, &seen, NULL);
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	ring_buffer__consume(reader);
	ring_buffer__free(reader);
	if (strstr(name, "runqlat")) {
		__u64 before = counted(ledger, APUS_KIND_RUNQUEUE);
		__u64 inside = observed(object);
		__u64 after = counted(ledger, APUS_KIND_RUNQUEUE);
		printf("  %llu waits counted, %llu in histograms\n", (unsigned long long)after,
		       (unsigned long long)inside);
		return inside >= MARKED && before <= inside && inside <= after;
	}
	if (strstr(name, "execve")) {
		printf("  %d execs, %d failed, %d exits of %d\n", seen.execs, seen.failures,
		       seen.exits, MARKED);
		return seen.execs == MARKED && seen.failures == MARKED && seen.exits == MARKED;
	}
	if (strstr(name, "tcpconnect")) {
		/* Two fill the queue, of which the second may have been left in it. */
		printf("  %d established, %d refused of %d, %d others\n", seen.established,
		       seen.refused, MARKED, seen.other_connects);
		return seen.established >= MARKED + 1 && seen.established <= MARKED + 2 &&
		       seen.refused == MARKED &&
		       seen.established + seen.other_connects == MARKED + 3;
	}
	if (strstr(name, "tcpretrans")) {
		printf("  %d SYNs sent again\n", seen.syn_retransmits);
		return seen.syn_retransmits > 0;
	}
	return true;
}

static bool check(const char *path, int cgroup)
{
	const struct apus_knobs knobs = {
	    .uid = ~0U,
	    .failed = 1,
	    .replicas = 1,
	    .parts = 6,
	    .cpus = (__u32)libbpf_num_possible_cpus(),
	    .slot_by = strstr(path, "runqlat") ? APUS_SLOT_BY_CGROUP : APUS_SLOT_BY_ALL,
	};
	int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 1 << 20, NULL);
	int ledger = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ledger", sizeof(__u32),
				    sizeof(struct apus_ledger_cell), APUS_KIND_COUNT, NULL);
	struct bpf_object *object = bpf_object__open(path);
	bool right;
	if (!object)
		return false;
	prepare(object, knobs, ring, ledger);
	if (bpf_object__load(object)) {
		bpf_object__close(object);
		return false;
	}
	right = !attach(object, cgroup);
	make_processes();
	make_connects();
	right = right && saw_all(path, object, ring, ledger);
	bpf_object__close(object);
	right = right && loads_otherwise(path, ring, ledger);
	close(ring);
	close(ledger);
	return right;
}

/* The verifier's log comes as one message; its last lines say what is wrong. */
static int print_briefly(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static char text[1 << 22];
	int length = vsnprintf(text, sizeof(text), format, arguments);
	int begin = length > 1500 ? length - 1500 : 0;
	return level == LIBBPF_DEBUG ? 0 : fprintf(stderr, "%s", text + begin);
}

static bool report(const char *path, int cgroup)
{
	printf("%s\n", path);
	bool right = check(path, cgroup);
	printf("%s %s\n", right ? "PASS" : "FAIL", path);
	return right;
}

static void start_guest(void)
{
	struct utsname name;
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
	mount("trace", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mount("cgroup", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	raise_loopback();
	int console = open("/dev/ttyS0", O_RDWR);
	dup2(console, STDOUT_FILENO);
	dup2(console, STDERR_FILENO);
	uname(&name);
	printf("KERNEL %s\n", name.release);
}

/* Where cgroup programs are attached: alone, or beside the old controllers. */
static int open_cgroup_root(void)
{
	int unified = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY);
	return unified >= 0 ? unified : open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
}

int main(int count, char **arguments)
{
	struct dirent **entries;
	int right = 0, total, cgroup;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count == 2 && !strcmp(arguments[1], "exit"))
		return CODE;
	if (getpid() == 1)
		start_guest();
	kernel = btf__load_vmlinux_btf();
	cgroup = open_cgroup_root();
	if (getpid() != 1) {
		for (int i = 1; i < count; i++)
			right += report(arguments[i], cgroup);
		return right == count - 1 ? 0 : 1;
	}
	libbpf_set_print(print_briefly);
	chdir("/objects");
	total = scandir(".", &entries, NULL, alphasort);
	for (int i = 2; i < total; i++)
		right += report(entries[i]->d_name, cgroup);
	printf("DONE %d of %d\n", right, total - 2);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
