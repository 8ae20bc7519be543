#define _GNU_SOURCE
#include "CLinux.h"

#include <netdb.h>

const int clinux_no_address = EAI_NODATA;
