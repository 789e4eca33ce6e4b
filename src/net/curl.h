/*
 * net/curl.h: what every connection through libcurl has in common. For the files of this folder.
 */
#ifndef REEVE_NET_CURL_H
#define REEVE_NET_CURL_H

#include <curl/curl.h>

#include "base/err.h"
#include "base/str.h"

/* In a function with `err` that answers false when it fails. */
#define CURL_SET(curl, option, value)                                                              \
	do {                                                                                       \
		if (curl_easy_setopt((curl), (option), (value)) != CURLE_OK)                       \
			return err_set(err, ERR_CONFIG, "this libcurl lacks %s", #option);         \
	} while (0)

/* TLS 1.2 at least, the peer's name and chain checked: by `ca_pem` alone, or by the system's trust when that is empty. */
MUST_CHECK bool curl_trust(CURL *curl, struct str ca_pem, struct err *err);

#endif
