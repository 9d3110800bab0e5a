// Calls of the system that Swift cannot see.
#ifndef SECTORAL_CSYSTEM_H
#define SECTORAL_CSYSTEM_H

/// Lets two files or folders take each other's place in one step. Returns 0, or -1 with `errno`.
int csystem_exchange(const char *first, const char *second);

#endif
