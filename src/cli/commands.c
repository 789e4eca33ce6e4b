/*
 * commands.c: the table of all commands, and cli_main(), which picks a row.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command.h"

static const struct cli_option init_options[] = {
	{ "zone", "NAME", "serve this validation zone; the first takes the generated targets", true },
	{ "name-server", "NAME=ADDR", "a name server of the zones", true },
	{ "listen", "ADDR:PORT", "serve HTTP here instead of 127.0.0.1:8080", true },
	{ "dns-listen", "ADDR:PORT", "serve DNS here instead of 127.0.0.1:5300", true },
	{ "stub", "ZONE=ADDR@PORT", "ask this name server for this zone", true },
	{ NULL },
};

static const struct cli_option serve_options[] = {
	{ "zone", "NAME", "as [zone] names", true },
	{ "name-server", "NAME=ADDR", "as [zone] name_servers", true },
	{ "listen", "ADDR:PORT", "as [server] listen", true },
	{ "dns-listen", "ADDR:PORT", "as [zone] listen", true },
	{ "stub", "ZONE=ADDR@PORT", "as [resolver] stub", true },
	{ "log-level", "LEVEL", "as [log] level: error, warn, info or debug", false },
	{ "ready-fd", "N", "write \"ready\" to this descriptor when everything serves", false },
	{ "role", "NAME", NULL, false },
	{ "control-fd", "N", NULL, false },
	{ NULL },
};

static const struct cli_option authority_add_options[] = {
	{ "preset", "PRESET", "one that Reeve knows (`reeve authority presets`); NAME alone does, when it is one", false },
	{ "directory", "URL", "the ACME directory of any other authority", false },
	{ "email", "ADDRESS", "the contact of the account", false },
	{ "eab-kid", "KID", "external account binding: the key id the authority gave you", false },
	{ "eab-hmac-file", "FILE|-", "external account binding: the file with its HMAC key", false },
	{ "ca-file", "FILE", "trust these certificates (PEM) for the authority's own server", false },
	{ "allow-address", "CIDR", "let this authority be at an address that is refused otherwise", true },
	{ "profile", "PROFILE", "order this profile when a certificate names none", false },
	{ "chain", "ROOT|shortest", "prefer the chain to this root, or the shortest", false },
	{ "connection", "NAME", "write the challenges of its orders with this connection when nothing else says where", false },
	{ "zone", "NAME|ID", "in this zone, by name or by the provider's id (else: the connection's)", false },
	{ NULL },
};

static const struct cli_option limits_options[] = {
	{ "staging", "NAME|none", "rehearse at this authority: the staging directory of the same CA", false },
	{ "rehearse-after", "N", "rehearse when a name failed so many validations in a row; 0: never", false },
	{ "limit", "NAME=N/TIME", "as new-orders=300/3h, exact-set=off; all at once, or \"known\"", true },
	{ NULL },
};

static const struct cli_option drill_options[] = {
	{ "staging", NULL, "place an order at the staging directory too, for each that is ready", false },
	{ "timeout", "SECONDS", "wait no longer than this for each order (default 600)", false },
	{ NULL },
};

static const struct cli_option authority_set_options[] = {
	{ "profile", "PROFILE", "order this profile when a certificate names none; \"\" for the CA's choice", false },
	{ "chain", "ROOT|shortest", "prefer the chain to this root, or the shortest; \"\" for the CA's own", false },
	{ NULL },
};

static const struct cli_option authority_account_options[] = {
	{ "email", "ADDRESS", "update: the new contact; \"\" for none", false },
	{ "agree-terms", NULL, "update: agree to the CA's present terms of service", false },
	{ "key-type", "TYPE", "rollover: p256 (default), p384, rsa2048, rsa3072, rsa4096", false },
	{ "yes", NULL, "deactivate: it is meant; the account is gone for ever", false },
	{ NULL },
};

static const struct cli_option caa_options[] = {
	{ "authority", "NAME", "the authority, instead of the project's default", false },
	{ NULL },
};

static const struct cli_option revoke_options[] = {
	{ "reason", "REASON", "unspecified (default), keyCompromise, superseded, cessationOfOperation, …", false },
	{ "method", "account|key", "who signs: the account (default), or the certificate's key (default for keyCompromise)", false },
	{ "authority", "NAME", "another authority, whose account may speak for all the names", false },
	{ "version", "N", "this version instead of the one served", false },
	{ "reissue", NULL, "order a replacement, and revoke when it is there (at once for keyCompromise)", false },
	{ NULL },
};

static const struct cli_option delegation_add_options[] = {
	{ "target", "NAME", "the CNAME target, instead of a generated one", false },
	{ "connection", "NAME", "the connection that writes there", false },
	{ NULL },
};

static const struct cli_option issue_options[] = {
	{ "authority", "NAME", "the authority, instead of the project's default", false },
	{ "key-type", "TYPE", "p256 (default), p384, rsa2048, rsa3072, rsa4096", false },
	{ "profile", "PROFILE", "the certificate profile, where the authority offers some", false },
	{ "chain", "ROOT|shortest", "prefer the chain to this root, or the shortest", false },
	{ "valid-days", "N", "ask for so many days, where the authority lets you", false },
	{ "domain-alias", "[NAME=]X", "write the challenge at _acme-challenge.X, for all names or for NAME", true },
	{ "provider", "ID", "the DNS provider for names that are not delegated", false },
	{ "alias-provider", "ID", "the DNS provider that writes at --domain-alias", false },
	{ "connection", "NAME", "the connection to write with", false },
	{ "dry-run", NULL, "rehearse at the staging directory; the certificate is discarded", false },
	{ "csr", "FILE|-", "send this request (PEM or DER); its key stays where it is, its names are ordered", false },
	{ "key-policy", "POLICY", "new (default): a key for each version; reuse: the same one again", false },
	{ "fallback-authority", "NAME", "the second authority, used when the first one fails for too long", false },
	{ "fallback-after", "TIME", "how long that is: 2d, 12h (default), 90m, 0", false },
	{ "wait", NULL, "show the steps and end when the certificate is there", false },
	{ "timeout", "SECONDS", "wait no longer than this (default 600)", false },
	{ NULL },
};

static const struct cli_option renew_options[] = {
	{ "dry-run", NULL, "rehearse at the staging directory; the certificate is discarded", false },
	{ "wait", NULL, "show the steps and end when the certificate is there", false },
	{ "timeout", "SECONDS", "wait no longer than this (default 600)", false },
	{ NULL },
};

static const struct cli_option set_options[] = {
	{ "auto-renew", "on|off", "renew by itself, or only by `reeve certificate renew`", false },
	{ "renew-before", "TIME", "so long before the end: 30d, 36h, 1/3, 33%, or default", false },
	{ "name", "NAME", "a name it is to have; give all of them", true },
	{ "authority", "NAME", "order it here from now on", false },
	{ "key-type", "TYPE", "p256, p384, rsa2048, rsa3072, rsa4096", false },
	{ "domain-alias", "[NAME=]X", "write the challenge at _acme-challenge.X, for all names or for NAME", true },
	{ "csr", "FILE|-|none", "send this request from now on, or let Reeve make the key again", false },
	{ "key-compromised", NULL, "somebody else may have the key: it is never used again", false },
	{ "planned", NULL, "order although a new name has no record yet; nothing is renewed until it is published", false },
	{ "key-policy", "POLICY", "new: a key for each version; reuse: the same one again", false },
	{ "fallback-authority", "NAME|none", "the second authority, used when the first one fails for too long", false },
	{ "fallback-after", "TIME", "how long that is: 2d, 12h, 90m, 0, or default", false },
	{ "wait", NULL, "show the steps and end when the new version is there", false },
	{ "timeout", "SECONDS", "wait no longer than this (default 600)", false },
	{ NULL },
};

static const struct cli_option download_options[] = {
	{ "part", "PART", "cert, chain, fullchain (default), key or combined", false },
	{ "out", "DIR|-", "write cert.pem chain.pem fullchain.pem privkey.pem into DIR", false },
	{ "version", "N", "this version instead of the newest", false },
	{ NULL },
};

static const struct cli_option deployment_add_options[] = {
	{ "certificate", "NAME", "deliver this certificate (else: every one of the project)", false },
	{ "directory", "DIR", "files: DIR/current/{cert,chain,fullchain,privkey,combined}.pem", false },
	{ "owner", "USER", "files: who owns them", false },
	{ "group", "GROUP", "files: their group", false },
	{ "key-mode", "MODE", "files: the mode of those with a key (0600)", false },
	{ "pkcs12", NULL, "files, hook: bundle.p12 too, with an empty password", false },
	{ "pkcs12-password", "WORD", "its password, because Java takes no empty one (usually: changeit)", false },
	{ "pkcs1", NULL, "files, hook: privkey-pkcs1.pem too, for programs that read no PKCS#8", false },
	{ "keep", "N", "files: so many versions stay (3)", false },
	{ "hook", "NAME", "run this executable of the hooks directory; with --directory: after the switch", false },
	{ "url", "URL", "webhook: tell this server, without keys", false },
	{ "secret-file", "FILE|-", "webhook: sign with the secret in this file", false },
	{ "ca-file", "FILE", "webhook: trust these certificates (PEM) for the server", false },
	{ "timeout", "SECONDS", "how long a hook or a webhook may take (120)", false },
	{ "probe", "HOST:PORT", "afterwards, look whether this TLS server serves the new certificate; smtp://, imap:// and postgresql:// begin with STARTTLS", false },
	{ "probe-name", "NAME", "the name to ask it for (SNI)", false },
	{ "probe-wait", "SECONDS", "how long to look before it counts as failed (30)", false },
	{ "allow-address", "CIDR", "let url and probe be at an address that is refused otherwise", true },
	{ NULL },
};

#define CONNECTION_OPTIONS                                                                         \
	{ "secret-file", "FIELD=PATH|FIELD=-", "a secret credential from a file or standard input", true },             \
	{ "set", "FIELD=VALUE", "a credential that is no secret", true },                                               \
	{ "zone", "NAME", "the zone it writes in (else: the longest of the account that holds the name)", false },      \
	{ "zone-id", "ID", "the provider's own id of that zone: nothing has to be looked up then", false },             \
	{ "base-url", "URL", "another address of the provider's interface", false },                                   \
	{ "proxy", "URL", "go there through this proxy, http://host:port", false },                                     \
	{ "ca-file", "FILE", "trust these certificates (PEM) for it", false },                                          \
	{ "allow-address", "CIDR", "let it be at an address that is refused otherwise", true },                         \
	{ "default", NULL, "take it when only its provider is named", false }

static const struct cli_option connection_add_options[] = {
	{ "provider", "NAME", "which DNS provider (required)", false },
	CONNECTION_OPTIONS,
	{ NULL },
};

static const struct cli_option connection_update_options[] = {
	{ "name", "NAME", "a new name", false },
	{ "credentials", NULL, "ask for the credentials", false },
	CONNECTION_OPTIONS,
	{ NULL },
};

static const struct cli_option connection_test_options[] = {
	{ "write", NULL, "also write a value at _reeve-test of its zone, and remove it", false },
	{ NULL },
};

static const struct cli_option permissions_options[] = {
	{ "zone", "NAME", "put this zone in", false },
	{ "zone-id", "ID", "and this id of it", false },
	{ NULL },
};

static const struct cli_option deployment_run_options[] = {
	{ "certificate", "NAME", "which one, when the deployment delivers the whole project", false },
	{ "version", "N", "this version instead of the newest", false },
	{ "dry-run", NULL, "do everything but the switch; hooks are told so", false },
	{ "no-wait", NULL, "print the delivery's id and end", false },
	{ NULL },
};

static const struct cli_option notify_options[] = {
	{ "event", "NAME", "tell this one only: renewed, renewal-failed, expiring, …, default or all", true },
	{ "webhook-url", "URL", "webhook: post signed JSON here", false },
	{ "secret-file", "FILE|-", "webhook: sign with the secret in this file", false },
	{ "host", "NAME", "smtp: the mail server", false },
	{ "port", "N", "smtp: its port (587; 465 with tls)", false },
	{ "security", "WHICH", "smtp: starttls (default), tls, or none", false },
	{ "username", "NAME", "smtp: log in as; the password is asked for, or read from --password-file", false },
	{ "password-file", "FILE|-", "smtp: the file with the password", false },
	{ "from", "ADDRESS", "smtp: the sender (the username, if that is an address)", false },
	{ "to", "ADDRESS", "smtp: who gets it, instead of the account e-mail of the authority", true },
	{ "ca-file", "FILE", "trust these certificates (PEM) for the server", false },
	{ "timeout", "SECONDS", "how long one message may take (30)", false },
	{ "allow-address", "CIDR", "let the server be at an address that is refused otherwise", true },
	{ NULL },
};

static const struct cli_option fetch_options[] = {
	{ "to", "DIR", "write DIR/current/{cert,chain,fullchain,privkey,combined}.pem (required)", false },
	{ "exec", "PROGRAM", "run it after a new version is in place; when it fails the old one comes back", false },
	{ "owner", "USER", "who owns the files", false },
	{ "group", "GROUP", "their group", false },
	{ "key-mode", "MODE", "the mode of those with a key (0600)", false },
	{ NULL },
};

static const struct cli_option list_options[] = {
	{ "limit", "N", "at most so many", false },
	{ "after", "ID", "go on behind this one (with --json)", false },
	{ NULL },
};

static const struct cli_option order_list_options[] = {
	{ "certificate", "NAME", "only the orders of this certificate", false },
	{ "limit", "N", "at most so many", false },
	{ NULL },
};

static const struct cli_option token_create_options[] = {
	{ "expires-days", "N", "how long it is good (default 90, at most 366)", false },
	{ "certificate", "NAME", "it may download this certificate and its key, for `reeve fetch`, and do nothing else", false },
	{ NULL },
};

#define MANY 100

static const struct cli_command commands[] = {
	{ "init", "", "", 0, 0, "Make a new Reeve: directories, reeve.toml, seal, database", init_options, run_init, false,
	  "What is there already is kept. With --home DIR everything is made under DIR." },
	{ "serve", "", "", 0, 0, "Run the server until SIGTERM or Ctrl-C", serve_options, run_serve, false, NULL },
	{ "authority", "add", "NAME", 1, 1, "Add a certificate authority", authority_add_options, run_authority_add, false,
	  "The first authority of a project becomes its default. A name that Reeve knows is enough: reeve authority add letsencrypt" },
	{ "authority", "presets", "", 0, 0, "List the authorities that Reeve knows", NULL, run_authority_presets, false, NULL },
	{ "authority", "set", "NAME", 1, 1, "Set its profile and preferred chain", authority_set_options, run_authority_set, false, NULL },
	{ "authority", "test", "NAME", 1, 1, "Show what it offers, and whether the account works", NULL, run_authority_test, false,
	  "Exit code 0 when nothing is wrong, 3 with warnings, 1 when it does not answer as it should." },
	{ "authority", "account", "show|update|rollover|deactivate NAME", 2, 2, "Look at the account, change it, or end it",
	  authority_account_options, run_authority_account, false,
	  "rollover gives it a new key; its URL stays. deactivate cannot be undone." },
	{ "authority", "list", "", 0, 0, "List the authorities", NULL, run_authority_list, false, NULL },
	{ "authority", "show", "NAME", 1, 1, "Show one authority and its account", NULL, run_authority_show, false, NULL },
	{ "authority", "default", "NAME", 1, 1, "Use this authority when none is named", NULL, run_authority_default, false, NULL },
	{ "authority", "limits", "NAME", 1, 1, "Show or set the limits of an authority and its staging directory", limits_options,
	  run_authority_limits, false, "The limits of authorities that publish them are known. Work that would exceed one waits and says until when." },
	{ "authority", "remove", "NAME", 1, 1, "Remove an authority that no certificate uses", NULL, run_authority_remove, false, NULL },
	{ "connection", "add", "NAME", 1, 1, "Add an account at a DNS provider", connection_add_options, run_connection_add, false,
	  "Required credentials that are not given are asked for; a secret never stands on the command line." },
	{ "connection", "list", "", 0, 0, "List the connections and their health", NULL, run_connection_list, false, NULL },
	{ "connection", "show", "NAME", 1, 1, "Show one connection, without its secrets", NULL, run_connection_show, false, NULL },
	{ "connection", "test", "NAME", 1, 1, "Ask the provider whether it works now", connection_test_options, run_connection_test, false,
	  "Exit code 0 when it works, 3 when something must change." },
	{ "connection", "update", "NAME", 1, 1, "Change a connection", connection_update_options, run_connection_update, false,
	  "Zone, base URL, proxy, trust and addresses are sealed together with the credentials: who changes one gives them again." },
	{ "connection", "remove", "NAME", 1, 1, "Remove a connection that nothing uses", NULL, run_connection_remove, false, NULL },
	{ "connection", "permissions", "PROVIDER", 1, 1, "Print the least its credential must be permitted", permissions_options,
	  run_connection_permissions, false, NULL },
	{ "provider", "list", "", 0, 0, "List the DNS providers; a recipe with an error says which", NULL, run_provider_list, false, NULL },
	{ "provider", "show", "NAME", 1, 1, "Show one provider and its credentials", NULL, run_provider_show, false, NULL },
	{ "delegation", "add", "NAME", 1, 1, "Delegate the challenges of NAME; prints the record to publish", delegation_add_options,
	  run_delegation_add, false, NULL },
	{ "delegation", "list", "", 0, 0, "List the delegations and their health", NULL, run_delegation_list, false, NULL },
	{ "delegation", "check", "NAME", 1, 1, "Look at the delegation in DNS now", NULL, run_delegation_check, false,
	  "Exit code 0 when it is verified, 3 when something must change." },
	{ "delegation", "remove", "NAME", 1, 1, "Forget a delegation", NULL, run_delegation_remove, false, NULL },
	{ "certificate", "issue", "NAME…", 0, MANY, "Order a certificate for these names", issue_options, run_certificate_issue, false,
	  "Exit code 0 when it is issued (with --wait) or ordered, 1 when the order failed, 5 when it still runs after\n"
	  "--timeout. An order whose delegation is missing waits for the record and goes on by itself." },
	{ "certificate", "list", "", 0, 0, "List the certificates", list_options, run_certificate_list, false, NULL },
	{ "certificate", "show", "NAME", 1, 1, "Show one certificate", NULL, run_certificate_show, false, NULL },
	{ "certificate", "download", "NAME", 1, 1, "Get certificate, chain or key as PEM", download_options,
	  run_certificate_download, false, "Without --out the part is printed. With --out DIR all four files are replaced, the key last before\nfullchain.pem, each by rename." },
	{ "certificate", "renew", "NAME", 1, 1, "Renew now", renew_options, run_certificate_renew, false, NULL },
	{ "certificate", "set", "NAME", 1, 1, "Set when it is renewed, or what it is", set_options, run_certificate_set, false,
	  "When names, authority, key or request change it is ordered anew at once; what is issued stays served until then,\n"
	  "and an order that runs is cancelled.\n"
	  "Without --renew-before a certificate is renewed when its authority suggests (RFC 9773), else after two thirds of\n"
	  "its life. A time that its life could never meet is refused." },
	{ "certificate", "pause", "NAME", 1, 1, "Order nothing for it until it is resumed", NULL, run_certificate_pause, false,
	  "What is issued stays served. An order that runs goes on; `reeve order cancel` ends it." },
	{ "certificate", "resume", "NAME", 1, 1, "Go on: undo pause, or a pause of the authority's", NULL, run_certificate_resume, false,
	  "What held it back after failures is forgotten; a name that the authority has paused is asked for again." },
	{ "certificate", "revoke", "NAME", 1, 1, "Revoke it at its authority", revoke_options, run_certificate_revoke, false,
	  "A revoked certificate is not renewed by itself; --reissue orders its replacement first." },
	{ "operation", "show", "ID", 1, 1, "Show what was asked of an authority, and what came of it", NULL, run_operation_show, false, NULL },
	{ "deployment", "add", "NAME", 1, 1, "Deliver certificates to a directory, a hook or a webhook", deployment_add_options,
	  run_deployment_add, false, "Each version is delivered once, at each issue and renewal, and by hand with `reeve deployment run`." },
	{ "deployment", "list", "", 0, 0, "List the deployments: what is held, deployed and seen", NULL, run_deployment_list, false, NULL },
	{ "deployment", "show", "NAME", 1, 1, "Show one deployment and its newest deliveries", NULL, run_deployment_show, false, NULL },
	{ "deployment", "run", "NAME", 1, 1, "Deliver now, and show what came of it", deployment_run_options, run_deployment_run, false,
	  "Exit code 0 when it is delivered (and seen, with a probe), 1 when it failed, 5 when it is tried again later." },
	{ "deployment", "remove", "NAME", 1, 1, "Forget a deployment; what was delivered stays", NULL, run_deployment_remove, false, NULL },
	{ "notify", "add", "webhook|smtp NAME", 2, 2, "Tell somebody when something happens", notify_options, run_notify_add, false,
	  "Without --event only what may ask for a person is told: issue-failed, renewal-failed, expiring, delegation-broken,\n"
	  "deployment-failed, debt, ca-incident, ca-unreachable, connection-failed. Others are issued and renewed." },
	{ "notify", "list", "", 0, 0, "List who is told, and what waits to be sent", NULL, run_notify_list, false, NULL },
	{ "notify", "show", "NAME", 1, 1, "Show one notifier and its newest messages", NULL, run_notify_show, false, NULL },
	{ "notify", "test", "NAME", 1, 1, "Send a message now, and show what the other side answers", NULL, run_notify_test, false,
	  "Exit code 0 when it was taken, 1 when not." },
	{ "notify", "update", "NAME", 1, 1, "Change what is given; the rest stays", notify_options, run_notify_update, false,
	  "What waits to be sent is tried again at once." },
	{ "notify", "remove", "NAME", 1, 1, "Tell it nothing any more", NULL, run_notify_remove, false, NULL },
	{ "fetch", "", "NAME", 1, 1, "Pull a certificate to this machine when there is a new version", fetch_options, run_bundle_fetch, false,
	  "For a timer on the machine that needs it: nothing is written or run when it has the newest version already." },
	{ "order", "show", "ID", 1, 1, "Show what happened in an order, step by step", NULL, run_order_show, false, NULL },
	{ "order", "list", "", 0, 0, "List the newest orders", order_list_options, run_order_list, false, NULL },
	{ "order", "cancel", "ID", 1, 1, "End a running order; what it published is removed", NULL, run_order_cancel, false, NULL },
	{ "project", "add", "NAME", 1, 1, "Add a project", NULL, run_project_add, false, NULL },
	{ "project", "list", "", 0, 0, "List the projects", NULL, run_project_list, false, NULL },
	{ "token", "create", "NAME", 1, 1, "Make an API token; it is printed once, alone", token_create_options, run_token_create, false, NULL },
	{ "token", "list", "", 0, 0, "List the tokens", NULL, run_token_list, false, NULL },
	{ "token", "revoke", "ID", 1, 1, "Revoke a token", NULL, run_token_revoke, false, NULL },
	{ "debt", "list", "", 0, 0, "List the TXT values that should be gone and are not", NULL, run_debt_list, false,
	  "Exit code 0 when there are none, or none older than an hour; 3 otherwise." },
	{ "debt", "retry", "", 0, 0, "Try their removal now, also of those given up after 30 days", NULL, run_debt_retry, false, NULL },
	{ "doctor", "", "NAME…", 1, MANY, "Check everything an order of these names needs", NULL, run_doctor, false,
	  "Exit code 0 when all is well, 3 when something must change." },
	{ "drill", "", "[NAME…]", 0, MANY, "Would all renewals pass tonight?", drill_options, run_drill, false,
	  "Looks at delegations, connections, CAA, accounts and limits; spends nothing of what the authorities count.\n"
	  "Exit code 0 when all would pass, 3 when something must change." },
	{ "caa", "", "NAME", 1, 1, "Print the CAA record that lets only this account issue for NAME, by DNS", caa_options, run_caa, false,
	  "The record is printed alone on standard output. Exit code 0 when CAA allows the certificate, 3 when it does not, 5 when it\n"
	  "could not be looked up." },
	{ "version", "", "", 0, 0, "Print the version", NULL, run_version, false, NULL },
	{ "help", "", "[NOUN [VERB]]", 0, 2, "Show help", NULL, run_help, false, NULL },
	{ "crash-points", "", "", 0, 0, "List the places where the crash test kills", NULL, run_crash_points, true, NULL },
};

/* `reeve help order show` is `reeve order show --help`. */
int run_help(struct cli *cli)
{
	static char     name[] = "reeve", help[] = "--help";
	char           *words[4] = { name };
	int             count = 1;
	struct cli_call call;
	struct err      err = { 0 };

	for (size_t i = 0; i < cli->call.args_count; i++)
		words[count++] = arena_strdup(cli->arena, cli->call.args[i]);
	words[count++] = help;
	if (!cli_parse(cli->arena, commands, ARRAY_LEN(commands), count, words, &call, &err)) {
		cli_fail(cli, &err);
		return EXIT_USAGE;
	}
	cli_help(stdout, commands, ARRAY_LEN(commands), &call);
	return EXIT_DONE;
}

int cli_main(int argc, char **argv)
{
	struct cli cli = { .arena = arena_new() };
	struct err err = { 0 };
	int        code;

	if (!cli_parse(cli.arena, commands, ARRAY_LEN(commands), argc, argv, &cli.call, &err)) {
		cli_fail(&cli, &err);
		code = EXIT_USAGE;
	} else if (cli.call.help || cli.call.command == NULL) {
		cli_help(argc > 1 ? stdout : stderr, commands, ARRAY_LEN(commands), &cli.call);
		code = argc > 1 ? EXIT_DONE : EXIT_USAGE;
	} else {
		cli.json = cli_given(&cli.call, "json");
		code = cli.call.command->run(&cli);
	}
	for (size_t i = 0; i < ARRAY_LEN(cli.answers); i++)
		json_decref(cli.answers[i]);
	arena_free(cli.arena);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 && code == EXIT_DONE) {
		fprintf(stderr, "reeve: standard output cannot be written\n");
		code = EXIT_FAILED;
	}
	return code;
}
