/*
 * command_serve.c: `reeve serve`, `reeve version` and the hidden list of crash points: the commands without a server.
 */
#include <stdlib.h>

#include "base/crash.h"
#include "cli/command.h"
#include "cli/settings.h"
#include "daemon/role.h"

static bool number_value(const struct cli *cli, const char *name, int *ret, struct err *err)
{
	const char *value = cli_value(&cli->call, name);
	uint64_t    number;

	if (value == NULL)
		return true;
	if (!str_to_u64(str_c(value), &number) || number > 65535)
		return err_problem(err, ERR_INPUT, "invalid-request", "--%s: \"%s\" is not a descriptor", name, value);
	*ret = (int)number;
	return true;
}

int run_serve(struct cli *cli)
{
	struct err  err = { 0 };
	const char *role = cli_value(&cli->call, "role");
	int         control_fd = -1, ready_fd = -1;

	if (!number_value(cli, "control-fd", &control_fd, &err) || !number_value(cli, "ready-fd", &ready_fd, &err))
		return cli_fail(cli, &err);
	if (role != NULL)
		return role_main(role, control_fd);
	if (!cli_config(cli, &err) || !cli_settings(cli, &err))
		return cli_fail(cli, &err);
	return supervisor_main(&cli->config, ready_fd);
}

int run_version(struct cli *cli)
{
	if (cli->json)
		printf("{\n  \"version\": \"" REEVE_VERSION "\"\n}\n");
	else
		puts("reeve " REEVE_VERSION);
	return EXIT_DONE;
}

int run_crash_points(struct cli *cli)
{
	(void)cli;
	for (unsigned i = 0; i < CRASH__COUNT; i++)
		puts(crash_point_name((enum crash_point)i));
	return EXIT_DONE;
}
