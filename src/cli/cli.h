/*
 * cli/cli.h: the command line: `reeve <noun> <verb>`. One table (cli/commands.c) feeds dispatch, options and help.
 *
 * Exit codes  0 done · 1 failed · 2 usage · 3 refused or not found · 4 no server · 5 still running or temporary.
 */
#ifndef REEVE_CLI_CLI_H
#define REEVE_CLI_CLI_H

int cli_main(int argc, char **argv);

#endif
