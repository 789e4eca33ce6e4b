/* net/curl.c: see curl.h. */
#include "net/curl.h"

#include <string.h>

bool curl_trust(CURL *curl, struct str ca_pem, struct err *err)
{
	CURL_SET(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	CURL_SET(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	CURL_SET(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (ca_pem.len > 0) {
		struct curl_blob blob = { .len = ca_pem.len, .flags = CURL_BLOB_COPY };

		/* curl only reads it: the pointer is not const for want of a second type. */
		memcpy(&blob.data, &ca_pem.ptr, sizeof(blob.data));
		CURL_SET(curl, CURLOPT_CAINFO_BLOB, &blob);
		/* Debian's libcurl trusts /etc/ssl/certs beside the bundle unless it is told not to. */
		CURL_SET(curl, CURLOPT_CAINFO, NULL);
		CURL_SET(curl, CURLOPT_CAPATH, NULL);
	}
	return true;
}
