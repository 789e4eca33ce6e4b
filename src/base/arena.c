/*
 * base/arena.c: blocks that are filled from the front and freed together. With REEVE_ARENA_MALLOC each allocation
 * is a malloc of exactly its size instead, so that a sanitizer sees the first byte beyond it.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>

#ifdef REEVE_ARENA_MALLOC

struct arena {
	void **items;
	size_t items_count, items_cap;
};

void arena_reset(struct arena *a)
{
	for (size_t i = 0; i < a->items_count; i++)
		free(a->items[i]);
	free(a->items);
	*a = (struct arena){ 0 };
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *ptr = calloc(1, size > 0 ? size : 1);

	if (a->items_count == a->items_cap) {
		a->items_cap = a->items_cap > 0 ? a->items_cap * 2 : 16;
		a->items = reallocarray(a->items, a->items_cap, sizeof(*a->items));
	}
	if (ptr == NULL || a->items == NULL)
		abort();
	a->items[a->items_count++] = ptr;
	return ptr;
}

#else

#define ALIGN       _Alignof(max_align_t)
#define BLOCK_FIRST 4096u
#define BLOCK_LAST  65536u /* blocks double from the first size up to this one */

struct block {
	struct block *next;
	size_t        used, size; /* bytes of data */
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *blocks; /* the newest first; only it is filled */
	size_t        block_size;
};

/* calloc: fresh pages are zero already, and that is what callers are promised. */
static struct block *block_new(size_t size)
{
	struct block *block;

	if (size > SIZE_MAX - sizeof(*block))
		abort();
	block = calloc(1, sizeof(*block) + size);
	if (block == NULL)
		abort();
	block->size = size;
	return block;
}

void arena_reset(struct arena *a)
{
	struct block *next;

	for (struct block *b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ 0 };
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->blocks;
	void         *ptr;

	if (size > SIZE_MAX - ALIGN)
		abort();
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (b == NULL || b->size - b->used < size) {
		a->block_size = a->block_size == 0           ? BLOCK_FIRST
		                : a->block_size < BLOCK_LAST ? a->block_size * 2
		                                             : BLOCK_LAST;
		if (size > a->block_size / 4 && b != NULL) {
			/* A large one gets a block of its own behind the newest, which goes on being filled. */
			struct block *large = block_new(size);

			large->next = b->next;
			large->used = size;
			b->next = large;
			return large->data;
		}
		b = block_new(size > a->block_size ? size : a->block_size);
		b->next = a->blocks;
		a->blocks = b;
	}
	ptr = b->data + b->used;
	b->used += size;
	return ptr;
}

#endif

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		abort();
	return a;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		abort();
	return arena_alloc(a, total);
}

char *arena_str(struct arena *a, struct str s)
{
	char *copy;

	if (s.len == SIZE_MAX)
		abort();
	copy = arena_alloc(a, s.len + 1);
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s != NULL ? arena_str(a, str_c(s)) : NULL;
}

struct str arena_dup(struct arena *a, struct str s)
{
	return str_of(arena_str(a, s), s.len);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	char   *text;
	int     len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		abort();
	text = arena_alloc(a, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}
