int sectoral_pq_placeholder(void) { return 0; }
