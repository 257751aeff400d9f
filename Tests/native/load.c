// SPDX-License-Identifier: Apache-2.0
// Loads and attaches each BPF object named and sees that it works: 23 execs, 23 failed ones and 23
// exits of its own making are 23 records each, and every wait counted is in a histogram. As init
// of a guest (process 1) it takes what is in /objects and powers off.
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

enum { MARKED = 23, SLOTS = 256, CELLS_MAX = 1024, CODE = 7 };

static struct {
	int execs, failures, exits;
} seen;

/* Whether the running kernel tells at sched_process_exit that the whole group is gone. */
static bool exit_tells_group_dead(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf__find_by_name_kind(btf, "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);
	bool tells = false;
	if (type) {
		type = btf__type_by_id(btf, btf__type_by_id(btf, type->type)->type);
		tells = btf_vlen(type) == 3;
	}
	btf__free(btf);
	return tells;
}

static int accept_record(void *context, void *data, size_t size)
{
	const struct apus_header *header = data;
	const struct apus_exec *exec = data;
	const struct apus_exit *exit = data;
	const char *path = (const char *)(exec + 1);
	(void)context;
	(void)size;
	if (header->kind == APUS_KIND_EXIT)
		seen.exits += exit->code == CODE && exit->process.parent_pid == (__u32)getpid();
	if (header->kind != APUS_KIND_EXEC || exec->process.parent_pid != (__u32)getpid())
		return 0;
	if (exec->error)
		seen.failures += exec->error == ENOENT && exec->args_count == 2;
	else
		seen.execs += exec->args_count == 2 && exec->path_size > 0 &&
			      path[exec->path_size - 1] != '/';
	return 0;
}

static void make_events(void)
{
	for (int i = 0; i < MARKED; i++) {
		pid_t child = fork();
		if (!child) {
			execl("/nonexistent", "/nonexistent", "marked", NULL);
			execl("/proc/self/exe", "marked", "exit", NULL);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
}

static void prepare(struct bpf_object *object, struct apus_knobs knobs, int ring, int ledger)
{
	const int cpus = libbpf_num_possible_cpus();
	struct bpf_map *map;
	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		if (!strcmp(name, "events"))
			bpf_map__reuse_fd(map, ring);
		else if (!strcmp(name, "ledger"))
			bpf_map__reuse_fd(map, ledger);
		else if (!strcmp(name, ".rodata.knobs"))
			bpf_map__set_initial_value(map, &knobs, sizeof(knobs));
		else if (!strcmp(name, "extremes"))
			bpf_map__set_max_entries(map, (__u32)(SLOTS * cpus));
	}
}

static int attach(struct bpf_object *object)
{
	struct bpf_program *program;
	int failed = 0;
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);
		bool attached = bpf_program__attach(program);
		int error = errno;
		bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
		printf("  %s: %s, %u instructions verified\n", bpf_program__name(program),
		       attached ? "attached" : strerror(error), info.verified_insns);
		failed += !attached;
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
		for (int i = 0; i < APUS_HIST_BUCKETS; i++)
			sum += histogram.buckets[i];
	}
	return sum;
}

/* Knobs remove code before the verifier sees it, so what they bring back is loaded as well. */
static bool loads_otherwise(const char *path, int ring, int ledger)
{
	const struct apus_knobs variants[] = {
	    {.cgroup_key = APUS_CGROUP_V2 | 1, .pid = 1, .self_pid = 2, .wake_bytes = 4096},
	    {.cgroup_key = APUS_CGROUP_V1_CPU | 1, .slot_by = APUS_SLOT_BY_PROCESS},
	    {.cgroup_key = APUS_CGROUP_V1_MEMORY | 1, .slot_by = APUS_SLOT_BY_THREAD},
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

static bool check(const char *path)
{
	const struct apus_knobs knobs = {
	    .uid = ~0U,
	    .failed = 1,
	    .replicas = 1,
	    .cpus = (__u32)libbpf_num_possible_cpus(),
	    .exit_tells_group_dead = exit_tells_group_dead(),
	};
	int ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "events", 0, 0, 1 << 20, NULL);
	int ledger = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "ledger", sizeof(__u32),
				    sizeof(struct apus_ledger_cell), APUS_KIND_COUNT, NULL);
	struct bpf_object *object = bpf_object__open(path);
	struct ring_buffer *reader;
	bool right;
	if (!object)
		return false;
	prepare(object, knobs, ring, ledger);
	if (bpf_object__load(object)) {
		bpf_object__close(object);
		return false;
	}
	right = !attach(object);
	memset(&seen, 0, sizeof(seen));
	make_events();
	if (bpf_object__find_map_by_name(object, "histograms")) {
		__u64 before = counted(ledger, APUS_KIND_RUNQUEUE);
		__u64 inside = observed(object);
		__u64 after = counted(ledger, APUS_KIND_RUNQUEUE);
		printf("  %llu waits counted, %llu in histograms\n", (unsigned long long)after,
		       (unsigned long long)inside);
		right = right && inside >= MARKED && before <= inside && inside <= after;
	} else {
		reader = ring_buffer__new(ring, accept_record, NULL, NULL);
		ring_buffer__consume(reader);
		printf("  %d execs, %d failed, %d exits of %d\n", seen.execs, seen.failures,
		       seen.exits, MARKED);
		right = right && seen.execs == MARKED && seen.failures == MARKED &&
			seen.exits == MARKED;
		ring_buffer__free(reader);
	}
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

static bool report(const char *path)
{
	printf("%s\n", path);
	bool right = check(path);
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
	int console = open("/dev/ttyS0", O_RDWR);
	dup2(console, STDOUT_FILENO);
	dup2(console, STDERR_FILENO);
	uname(&name);
	printf("KERNEL %s\n", name.release);
}

int main(int count, char **arguments)
{
	struct dirent **entries;
	int right = 0, total;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (count == 2 && !strcmp(arguments[1], "exit"))
		return CODE;
	if (getpid() != 1) {
		for (int i = 1; i < count; i++)
			right += report(arguments[i]);
		return right == count - 1 ? 0 : 1;
	}
	start_guest();
	libbpf_set_print(print_briefly);
	chdir("/objects");
	total = scandir(".", &entries, NULL, alphasort);
	for (int i = 2; i < total; i++)
		right += report(entries[i]->d_name);
	printf("DONE %d of %d\n", right, total - 2);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
