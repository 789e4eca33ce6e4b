/*
 * main.c: one binary. argv[1] picks a row of cli/commands.c; "serve" is one of them.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
