/* provider/recipes.c: loading. The folder is read in the order of names, so that two files of one id always end alike. */
#include "provider/recipes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct recipes {
	struct arena       *arena;
	struct recipes_row *rows;
	size_t              count, cap;
};

static struct recipes_row *row_of(struct recipes *all, const char *id)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->rows[i].id, id) == 0)
			return &all->rows[i];
	if (all->count == all->cap) {
		size_t              cap = all->cap == 0 ? 64 : all->cap * 2;
		struct recipes_row *rows = arena_alloc_array(all->arena, cap, sizeof(*rows));

		if (all->count > 0)
			memcpy(rows, all->rows, all->count * sizeof(*rows));
		all->rows = rows;
		all->cap = cap;
	}
	all->rows[all->count] = (struct recipes_row){ .id = arena_strdup(all->arena, id) };
	return &all->rows[all->count++];
}

/* The recipe's id, or the name of its file where it could not be read. */
static void put(struct recipes *all, const char *file, struct str text)
{
	const char         *slash = strrchr(file, '/');
	const char         *base = slash != NULL ? slash + 1 : file;
	struct recipe      *recipe = NULL;
	struct recipes_row *row;
	struct err          err = { 0 };
	bool                ok = recipe_read(text, file, &recipe, &err);

	row = row_of(all, ok ? recipe->id : arena_str(all->arena, str_of(base, strcspn(base, "."))));
	recipe_free((struct recipe *)(uintptr_t)row->recipe);
	row->file = arena_strdup(all->arena, file);
	row->recipe = recipe;
	row->err = err;
}

static bool read_file(struct arena *a, const char *path, struct str *ret, struct err *err)
{
	int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char       *bytes;
	ssize_t     got;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)RECIPE_SIZE_MAX) {
		close(fd);
		return err_problem(err, ERR_INPUT, "invalid-recipe", "%s is no file of at most %u bytes", path, RECIPE_SIZE_MAX);
	}
	bytes = arena_alloc(a, RECIPE_SIZE_MAX + 1);
	got = read(fd, bytes, RECIPE_SIZE_MAX + 1);
	close(fd);
	if (got < 0)
		return err_errno(err, errno, "%s", path);
	*ret = str_of(bytes, (size_t)got);
	return true;
}

static int wanted(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends(str_c(entry->d_name), STR(".json"));
}

static bool load_folder(struct recipes *all, const char *folder, struct err *err)
{
	struct dirent **names = NULL;
	int             count = scandir(folder, &names, wanted, alphasort);

	if (count < 0 && errno == ENOENT)
		return true;
	if (count < 0)
		return err_errno(err, errno, "%s", folder);
	for (int i = 0; i < count; i++) {
		const char *path = arena_printf(all->arena, "%s/%s", folder, names[i]->d_name);
		struct err  why = { 0 };
		struct str  text;

		if ((unsigned)i < RECIPES_FILES_MAX) {
			if (read_file(all->arena, path, &text, &why)) {
				put(all, path, text);
			} else {
				struct recipes_row *row = row_of(all, arena_str(all->arena, str_of(names[i]->d_name,
				                strcspn(names[i]->d_name, "."))));

				recipe_free((struct recipe *)(uintptr_t)row->recipe);
				row->recipe = NULL;
				row->file = path;
				row->err = why;
			}
		}
		free(names[i]);
	}
	free(names);
	return true;
}

bool recipes_load(const char *folder, struct recipes **ret, struct err *err)
{
	AUTO(recipes_freep) struct recipes *all = calloc(1, sizeof(*all));

	if (all == NULL)
		abort(); /* out of memory: base/arena.h */
	all->arena = arena_new();
	for (size_t i = 0; i < recipe_sources_count; i++)
		put(all, recipe_sources[i].file, str_of(recipe_sources[i].text, recipe_sources[i].len));
	for (size_t i = 0; i < all->count; i++) {
		if (all->rows[i].recipe != NULL)
			continue;
		if (err != NULL)
			*err = all->rows[i].err;
		return false;
	}
	if (folder != NULL && !load_folder(all, folder, err))
		return false;
	*ret = TAKE(all);
	return true;
}

void recipes_free(struct recipes *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->count; i++)
		recipe_free((struct recipe *)(uintptr_t)all->rows[i].recipe);
	arena_free(all->arena);
	free(all);
}

void recipes_freep(struct recipes **all)
{
	recipes_free(*all);
	*all = NULL;
}

size_t recipes_count(const struct recipes *all)
{
	return all->count;
}

const struct recipes_row *recipes_at(const struct recipes *all, size_t index)
{
	return index < all->count ? &all->rows[index] : NULL;
}

static bool has_alias(const struct recipes_row *row, const char *name)
{
	for (size_t i = 0; row->recipe != NULL && i < row->recipe->aliases.count; i++)
		if (str_eq_nocase(str_c(row->recipe->aliases.items[i]), str_c(name)))
			return true;
	return false;
}

static const struct recipes_row *row_named(const struct recipes *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq_nocase(str_c(all->rows[i].id), str_c(name)))
			return &all->rows[i];
	for (size_t i = 0; i < all->count; i++)
		if (has_alias(&all->rows[i], name))
			return &all->rows[i];
	return NULL;
}

bool recipes_find(const struct recipes *all, const char *name, const struct recipe **ret, struct err *err)
{
	const struct recipes_row *row = row_named(all, name);

	if (row == NULL)
		return err_problem(err, ERR_INPUT, "no-connection", "there is no DNS provider \"%.64s\"", name);
	*ret = row->recipe;
	if (*ret == NULL && err != NULL)
		*err = row->err;
	return *ret != NULL;
}
