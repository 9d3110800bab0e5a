#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

int csystem_exchange(const char *first, const char *second) {
#if defined(__linux__) && defined(RENAME_EXCHANGE)
  return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
#elif defined(__APPLE__)
  return renamex_np(first, second, RENAME_SWAP);
#else
  errno = ENOSYS;
  return -1;
#endif
}

void csystem_tune_allocator(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // tcmalloc keeps the address space of what is freed, and with it the wish for large pages: a
  // thirtieth of a compile goes into faults of small ones. glibc's malloc gives it back: no wish is left.
  size_t page = 2 << 20, size = 128 << 20;
  void *volatile block = malloc(size);
  if (!block) return;
  uintptr_t start = ((uintptr_t)block + page - 1) & ~(page - 1);
  madvise((void *)start, ((uintptr_t)block + size - start) & ~(page - 1), MADV_HUGEPAGE);
  free(block);
#endif
}

void csystem_grow_thread_heap(size_t bytes) {
#ifdef __GLIBC__
  // Through a volatile pointer, or the compiler would see that nothing comes of it.
  void *volatile block = malloc(bytes);
  free(block);
#endif
}

int csystem_core_count(void) {
#ifdef __linux__
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0) return CPU_COUNT(&cores);
#endif
  return (int)sysconf(_SC_NPROCESSORS_ONLN);
}
