/*
 * settings.c: flags over settings, by table. A repeatable flag replaces the whole list.
 */
#include "cli/settings.h"

#include "base/buf.h"

static const struct {
	const char *flag, *name;
} flags[] = {
	{ "zone", "zone.names" },      { "name-server", "zone.name_servers" }, { "listen", "server.listen" },
	{ "dns-listen", "zone.listen" }, { "stub", "resolver.stub" },            { "log-level", "log.level" },
};

bool cli_settings(struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		AUTO(buf_clear) struct buf joined = { 0 };
		const char *value;

		if (!cli_given(&cli->call, flags[i].flag))
			continue;
		buf_init(&joined, MIB);
		for (size_t n = 0; (value = cli_value_at(&cli->call, flags[i].flag, n)) != NULL; n++)
			buf_printf(&joined, "%s%s", n > 0 ? "," : "", value);
		if (!config_set(cli->arena, &cli->config, arena_printf(cli->arena, "--%s", flags[i].flag), flags[i].name,
		                joined.ptr, err))
			return false;
	}
	return true;
}
