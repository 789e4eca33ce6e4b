/* cli/settings.h: the flags of `init` and `serve` that stand for settings, put over cli->config. */
#ifndef REEVE_CLI_SETTINGS_H
#define REEVE_CLI_SETTINGS_H

#include "cli/command.h"

MUST_CHECK bool cli_settings(struct cli *cli, struct err *err);

#endif
