#ifndef SECTORAL_CPOSTGRES_H
#define SECTORAL_CPOSTGRES_H
int sectoral_pq_placeholder(void);
#endif
