/*
 * provider/book.c: see book.h. A page counts who uses it; the book itself counts as one user of the newest. A hundred recipes take
 * longer to read than all else that a process does at its start, and most starts need none: they are read when first asked for.
 */
#include "provider/book.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/log.h"

struct book_page {
	struct recipes *recipes;
	unsigned        users;
};

struct book {
	pthread_mutex_t   lock;
	char             *folder; /* or NULL */
	struct book_page *newest;
	uint64_t          stamp; /* of the files as they were read */
};

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	return hash;
}

/* Names, times and sizes of all files: the same stamp means that nothing has to be read. The order does not matter. */
static uint64_t folder_stamp(const char *folder)
{
	DIR                 *dir = folder != NULL ? opendir(folder) : NULL;
	const struct dirent *entry;
	uint64_t             sum = dir != NULL;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		uint64_t    one = 14695981039346656037u;
		struct stat st;

		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
			continue;
		one = mix(one, entry->d_name, strlen(entry->d_name));
		one = mix(one, &st.st_mtim, sizeof(st.st_mtim));
		one = mix(one, &st.st_size, sizeof(st.st_size));
		sum += mix(one, &st.st_ino, sizeof(st.st_ino));
	}
	if (dir != NULL)
		closedir(dir);
	return sum;
}

static struct book_page *page_new(struct recipes *recipes)
{
	struct book_page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		abort(); /* out of memory: base/arena.h */
	*page = (struct book_page){ recipes, 1 };
	return page;
}

struct book *book_new(const char *folder)
{
	struct book *book = calloc(1, sizeof(*book));

	if (book == NULL || (folder != NULL && (book->folder = strdup(folder)) == NULL))
		abort();
	pthread_mutex_init(&book->lock, NULL);
	return book;
}

static void page_leave(struct book_page *page)
{
	if (--page->users > 0)
		return;
	recipes_free(page->recipes);
	free(page);
}

void book_free(struct book *book)
{
	if (book == NULL)
		return;
	if (book->newest != NULL)
		page_leave(book->newest);
	pthread_mutex_destroy(&book->lock);
	free(book->folder);
	free(book);
}

/* What is embedded was read by the tests of the build. */
static struct recipes *read_embedded(void)
{
	struct recipes *recipes;
	struct err      err = { 0 };

	if (recipes_load(NULL, &recipes, &err))
		return recipes;
	log_error("providers=failed cause=\"%s\"", err.text);
	abort();
}

/* With the lock held. A few stats stand beside a request over the network each time. */
static void look(struct book *book)
{
	struct recipes *recipes;
	struct err      err = { 0 };
	uint64_t        stamp = folder_stamp(book->folder);

	if (book->newest != NULL && stamp == book->stamp)
		return;
	book->stamp = stamp;
	if (!recipes_load(book->folder, &recipes, &err)) {
		log_error("providers=failed folder=%s cause=\"%s\"", book->folder != NULL ? book->folder : "", err.text);
		if (book->newest != NULL)
			return;
		recipes = read_embedded();
	}
	if (book->newest != NULL)
		page_leave(book->newest);
	book->newest = page_new(recipes);
	if (book->folder != NULL)
		log_info("providers=loaded folder=%s count=%zu", book->folder, recipes_count(recipes));
}

struct book_page *book_take(struct book *book)
{
	struct book_page *page;

	pthread_mutex_lock(&book->lock);
	look(book);
	page = book->newest;
	page->users++;
	pthread_mutex_unlock(&book->lock);
	return page;
}

void book_give_back(struct book *book, struct book_page *page)
{
	if (page == NULL)
		return;
	pthread_mutex_lock(&book->lock);
	page_leave(page);
	pthread_mutex_unlock(&book->lock);
}

const struct recipes *book_recipes(const struct book_page *page)
{
	return page->recipes;
}
