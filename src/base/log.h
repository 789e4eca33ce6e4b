/*
 * base/log.h: one line per event on standard error, logfmt, one write(2) each, ids first.
 *
 * Use      log_info("job=%lld step=%s outcome=%s", …). Control bytes are escaped. Secrets never come here.
 *          Only main, the role mains, workflow and api log; lower layers return errors.
 */
#ifndef REEVE_BASE_LOG_H
#define REEVE_BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_init(const char *role, enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
