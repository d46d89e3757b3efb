/* SPDX-License-Identifier: Apache-2.0 */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/resident.h"

/* Code and constants, which nothing can have changed: x86-64 and aarch64 know no text relocations
 * in what is built with -fPIC. What the linker has filled in is in writable segments. */
static int forget(struct dl_phdr_info *object, size_t size, void *userdata)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size; /* what is used of it has been there since glibc 2.2.4 */
	(void)userdata;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && to > from)
			(void)madvise((void *)from, to - from, MADV_DONTNEED); /* or it stays */
	}
	return 0;
}

void resident_forget_start(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(forget, NULL);
}
