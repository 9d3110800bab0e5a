// Calls of the system that Swift cannot see.
#ifndef SECTORAL_CSYSTEM_H
#define SECTORAL_CSYSTEM_H

#include <stddef.h>

/// Lets two files or folders take each other's place in one step. Returns 0, or -1 with `errno`.
int csystem_exchange(const char *first, const char *second);

/// How many cores this process may use.
int csystem_core_count(void);

/// Lets the allocator keep what it got from the system, and get it in larger pieces.
void csystem_tune_allocator(void);

/// Makes the heap of this thread so large at once. glibc lets it grow by single pages otherwise, each
/// with a call of the system that stops the other threads' page faults.
void csystem_grow_thread_heap(size_t bytes);

#endif
