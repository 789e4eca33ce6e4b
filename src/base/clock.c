/*
 * base/clock.c: the system's clocks and RFC 3339. The calendar is arithmetic of its own (proleptic Gregorian, days
 * counted in 400-year eras): no time zone and no locale can leak in.
 */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>

#include "base/str.h"

#define DAY_MS     86400000
#define FIRST_MS   (-62167219200000) /* 0000-01-01T00:00:00Z */
#define LAST_MS    253402300799999   /* 9999-12-31T23:59:59.999Z */
#define ERA_DAYS   146097            /* 400 years */
#define EPOCH_DAYS 719468            /* 0000-03-01 to 1970-01-01 */

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		abort();
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return now_ms(CLOCK_BOOTTIME);
}

void clock_sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	if (ms <= 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

/* Years begin in March here, so that the leap day is the last day of one. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - EPOCH_DAYS;
}

static void date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + EPOCH_DAYS;
	int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t day_of_era = z - era * ERA_DAYS;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	*ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0));
}

const char *clock_rfc3339(int64_t at_ms, char ret[static CLOCK_RFC3339_SIZE])
{
	int64_t at = at_ms < FIRST_MS ? FIRST_MS : at_ms > LAST_MS ? LAST_MS : at_ms;
	int64_t days = at / DAY_MS - (at % DAY_MS < 0 ? 1 : 0);
	int     ms = (int)(at - days * DAY_MS);
	int     year, month, day;
	char    fraction[8] = "";

	date_from_days(days, &year, &month, &day);
	if (ms % 1000 != 0)
		snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)ms % 1000u);
	snprintf(ret, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u%sZ",
	         (unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
	         (unsigned)ms / 3600000u, (unsigned)ms / 60000u % 60u, (unsigned)ms / 1000u % 60u,
	         fraction);
	return ret;
}

/* `width` digits off the front of *s. */
static bool take_number(struct str *s, size_t width, int *ret)
{
	int value = 0;

	if (s->len < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		value = value * 10 + (s->ptr[i] - '0');
	}
	*s = str_of(s->ptr + width, s->len - width);
	*ret = value;
	return true;
}

static bool take_char(struct str *s, char c, char other)
{
	if (s->len == 0 || (s->ptr[0] != c && s->ptr[0] != other))
		return false;
	*s = str_of(s->ptr + 1, s->len - 1);
	return true;
}

/* What is finer than a millisecond is cut off. */
static bool take_fraction(struct str *s, int *ret_ms)
{
	int ms = 0, digits = 0, digit;

	while (take_number(s, 1, &digit)) {
		if (digits < 3)
			ms = ms * 10 + digit;
		digits++;
	}
	if (digits == 0)
		return false;
	for (; digits < 3; digits++)
		ms *= 10;
	*ret_ms = ms;
	return true;
}

static bool take_offset(struct str *s, int *ret_minutes)
{
	int  hours, minutes;
	bool west;

	*ret_minutes = 0;
	if (take_char(s, 'Z', 'z'))
		return true;
	west = take_char(s, '-', '-');
	if (!west && !take_char(s, '+', '+'))
		return false;
	if (!take_number(s, 2, &hours) || !take_char(s, ':', ':') || !take_number(s, 2, &minutes))
		return false;
	if (hours > 23 || minutes > 59)
		return false;
	*ret_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool             leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

bool clock_parse_rfc3339(struct str s, int64_t *ret_ms)
{
	int     year, month, day, hour, minute, second, ms = 0, offset;
	int64_t days;

	if (!take_number(&s, 4, &year) || !take_char(&s, '-', '-') || !take_number(&s, 2, &month) ||
	    !take_char(&s, '-', '-') || !take_number(&s, 2, &day) || !take_char(&s, 'T', 't') ||
	    !take_number(&s, 2, &hour) || !take_char(&s, ':', ':') ||
	    !take_number(&s, 2, &minute) || !take_char(&s, ':', ':') ||
	    !take_number(&s, 2, &second))
		return false;
	if (take_char(&s, '.', '.') && !take_fraction(&s, &ms))
		return false;
	if (!take_offset(&s, &offset) || s.len != 0)
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	/* A leap second is the first moment of the next minute, as in POSIX. */
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	days = days_from_date(year, month, day);
	*ret_ms = days * DAY_MS +
	          ((int64_t)hour * 3600 + ((int64_t)minute - offset) * 60 + second) * 1000 + ms;
	return true;
}
