/* SPDX-License-Identifier: Apache-2.0 */
/* What the server needs of its certificate; not for Swift. */
#pragma once
#include "capus_microhttpd.h"
#include <gnutls/abstract.h>

/* Tells the callback below, which is given nothing of ours, whose thread it is called on. */
void capus_httpd_tls_enter(capus_httpd_tls *tls);

/* gnutls_certificate_retrieve_function2 */
int capus_httpd_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
			     const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
			     gnutls_pcert_st **chain, unsigned *chain_length,
			     gnutls_privkey_t *key);
