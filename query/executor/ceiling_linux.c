// What DuckDB and the C++ libraries below it allocate, counted and bounded: see
// ceiling_linux.go.

#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "ceiling_linux.h"

// Blocks below `small` are let through until an eighth more than the ceiling is
// used, and not all of them look.
#define small ((size_t)64 << 10)
#define every 256

// A shard is counted in by some of the threads, so that they do not share a cache
// line. Only the sum of all means anything: what one thread allocates another frees.
#define shards 16
static struct {
	_Alignas(64) atomic_long bytes;
} used[shards];

static atomic_long ceiling; // 0: none
static atomic_uint threads;
static __thread unsigned shard; // from 1 on; 0: none yet
static __thread unsigned blocks;

static void count(long bytes) {
	if (shard == 0)
		shard = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % shards;
	atomic_fetch_add_explicit(&used[shard - 1].bytes, bytes, memory_order_relaxed);
}

long sluice_allocated(void) {
	long sum = 0;
	for (int i = 0; i < shards; i++)
		sum += atomic_load_explicit(&used[i].bytes, memory_order_relaxed);
	return sum;
}

void sluice_raise_ceiling(long bytes) { atomic_fetch_add(&ceiling, bytes); }

static int refused(size_t n) {
	long limit = atomic_load_explicit(&ceiling, memory_order_relaxed);
	if (limit <= 0)
		return 0;
	if (n < small) {
		if (++blocks % every != 0)
			return 0;
		limit += limit / 8;
	}
	return n > (size_t)limit || sluice_allocated() > limit - (long)n;
}

// DuckDB's allocator. The names are those that the linker gives with --wrap. A
// block that it does not get is an error of the query that asks for it.
extern void *__real_duckdb_je_malloc(size_t) __attribute__((weak));
extern void *__real_duckdb_je_realloc(void *, size_t) __attribute__((weak));
extern void __real_duckdb_je_free(void *) __attribute__((weak));
extern size_t duckdb_je_malloc_usable_size(void *) __attribute__((weak));

void *__wrap_duckdb_je_malloc(size_t n) {
	void *p;
	if (refused(n))
		return NULL;
	p = __real_duckdb_je_malloc(n);
	if (p != NULL)
		count((long)duckdb_je_malloc_usable_size(p));
	return p;
}

void *__wrap_duckdb_je_realloc(void *old, size_t n) {
	size_t had = old == NULL ? 0 : duckdb_je_malloc_usable_size(old);
	void *p;
	if (n > had && refused(n - had))
		return NULL;
	p = __real_duckdb_je_realloc(old, n);
	if (p != NULL)
		count((long)duckdb_je_malloc_usable_size(p) - (long)had);
	return p;
}

void __wrap_duckdb_je_free(void *p) {
	if (p == NULL)
		return;
	count(-(long)duckdb_je_malloc_usable_size(p));
	__real_duckdb_je_free(p);
}

// operator new and operator delete, which a program may replace; all other forms but
// those with an alignment are made of these two. Strings, vectors and trees of the
// C++ library live there.
extern void std_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((noreturn));

void *operator_new(size_t n) __asm__("_Znwm");
void operator_delete(void *p) __asm__("_ZdlPv");

void *operator_new(size_t n) {
	void *p = refused(n) ? NULL : malloc(n == 0 ? 1 : n);
	if (p == NULL)
		std_throw_bad_alloc();
	count((long)malloc_usable_size(p));
	return p;
}

void operator_delete(void *p) {
	if (p == NULL)
		return;
	count(-(long)malloc_usable_size(p));
	free(p);
}
