#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* `gnutls_free` is a variable, which Swift takes for shared mutable state. */
static inline void CGnuTLS_free(void *memory) {
    gnutls_free(memory);
}
