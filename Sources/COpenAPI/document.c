#include "COpenAPI.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

// C23 §6.10.4. The compiler tells the build system that this depends on the file.
static const uint8_t document[] = {
#embed "../../openapi/openapi.yaml"
};

const uint8_t *copenapi_bytes(void) { return document; }

size_t copenapi_count(void) { return sizeof document; }
