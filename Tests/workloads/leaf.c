/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that the others execute: exits with the code given as its last argument, 0 without.
 * Without libc, so that a storm of it costs little more than fork, exec and exit themselves, and
 * so that the same source makes a 32-bit program on a machine without 32-bit libraries.
 */
#include <stddef.h>

static long number(const char *text)
{
	long value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return *text ? 0 : value;
}

__attribute__((used, noreturn)) static void run(const size_t *stack)
{
	size_t count = stack[0];
	const char *const *arguments = (const char *const *)(stack + 1);
	long code = count > 1 ? number(arguments[count - 1]) : 0;

	for (;;) {
#if defined(__x86_64__)
		__asm__ volatile("syscall" : : "a"(231L), "D"(code) : "rcx", "r11", "memory");
#elif defined(__i386__)
		__asm__ volatile("int $0x80" : : "a"(252L), "b"(code) : "memory");
#elif defined(__aarch64__)
		register long status __asm__("x0") = code;
		register long call __asm__("x8") = 94;
		__asm__ volatile("svc 0" : : "r"(status), "r"(call) : "memory");
#else
#error "exit_group is not known for this machine"
#endif
	}
}

/* The kernel enters with the stack pointer at argc; C needs it as an argument. */
#if defined(__x86_64__)
__asm__(
    ".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");
#elif defined(__i386__)
__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n"
	"\tpush %eax\n\tcall run\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl run\n");
#endif
