long sluice_allocated(void);
void sluice_raise_ceiling(long bytes);
