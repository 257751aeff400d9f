// SPDX-License-Identifier: Apache-2.0
// Which records are of load.c's own making.
#include <errno.h>
#include <unistd.h>
#include "apus_abi.h"
#include "load.h"

static void judge_exec(struct seen *seen, const struct apus_exec *exec)
{
	const char *path = (const char *)(exec + 1);
	if (exec->process.parent_pid != (__u32)getpid())
		return;
	if (exec->error)
		seen->failures += exec->error == ENOENT && exec->args_count == 2;
	else
		seen->execs += exec->args_count == 2 && exec->path_size > 0 &&
			       path[exec->path_size - 1] != '/';
}

static void judge_connect(struct seen *seen, const struct apus_connect *connect)
{
	const __u8 *remote = connect->ends.remote;
	bool whole = remote[0] == 127 && remote[3] == 1 && connect->ends.remote_port &&
		     connect->ends.local_port && connect->ends.cookie &&
		     connect->ends.net_namespace;
	if (connect->process.pid != (__u32)getpid())
		return;
	if (connect->outcome == APUS_CONNECT_ESTABLISHED && !connect->error && whole)
		seen->established++;
	else if (connect->outcome == APUS_CONNECT_REFUSED && connect->error == ECONNREFUSED)
		seen->refused += whole;
	else
		seen->other_connects++;
}

void judge(struct seen *seen, const void *data, size_t size)
{
	const struct apus_header *header = data;
	const struct apus_exit *exit = data;
	const struct apus_retransmit *retransmit = data;
	if (size < sizeof(*header) || header->size > size)
		return;
	switch (header->kind) {
	case APUS_KIND_EXEC:
		judge_exec(seen, data);
		break;
	case APUS_KIND_EXIT:
		seen->exits += exit->code == CODE && exit->process.parent_pid == (__u32)getpid();
		break;
	case APUS_KIND_CONNECT:
		judge_connect(seen, data);
		break;
	case APUS_KIND_RETRANSMIT:
		seen->syn_retransmits +=
		    retransmit->cause == APUS_RETRANSMIT_SYN && retransmit->segments == 1;
		break;
	}
}
