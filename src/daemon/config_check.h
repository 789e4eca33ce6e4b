/* daemon/config_check.h: the settings in the forms the dns and resolver roles take them in. ERR_CONFIG names the key. */
#ifndef REEVE_DAEMON_CONFIG_CHECK_H
#define REEVE_DAEMON_CONFIG_CHECK_H

#include "daemon/config.h"
#include "dns/resolver.h"
#include "dns/zone.h"

MUST_CHECK bool config_zones(const struct config *c, struct dns_zones_config *ret, struct err *err);
MUST_CHECK bool config_stubs(const struct config *c, struct resolver_config *ret, struct err *err);

#endif
