#ifndef COPENAPI_H
#define COPENAPI_H

#include <stddef.h>
#include <stdint.h>

// openapi/openapi.yaml, as it was when this was compiled. Here because SwiftPM's own resources need
// all of Foundation at run time, or a Swift array literal with a line for each byte.

/// The bytes of the document, which stay for the life of the process.
const uint8_t *copenapi_bytes(void);
size_t copenapi_count(void);

#endif
