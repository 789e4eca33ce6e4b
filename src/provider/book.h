/*
 * provider/book.h: the recipes of a running process. The folder of the user is looked at when recipes are asked for, and
 * read again when a file came, went or changed: no restart, no signal.
 *
 * Life     what book_take() gave is good until book_give_back(), whatever happens to the folder meanwhile. A folder that
 *          cannot be read any more leaves the recipes as they were.
 * Threads  any.
 */
#ifndef REEVE_PROVIDER_BOOK_H
#define REEVE_PROVIDER_BOOK_H

#include "provider/recipes.h"

struct book;
struct book_page; /* the recipes as they were when it was taken */

/* `folder` may be NULL. Nothing is read yet. */
struct book *book_new(const char *folder);
void            book_free(struct book *book); /* NULL is fine; all pages were given back */

struct book_page     *book_take(struct book *book);
void                  book_give_back(struct book *book, struct book_page *page); /* NULL is fine */
const struct recipes *book_recipes(const struct book_page *page);

#endif
