/*
 * vendors.c - the table of simulated hosts. A new vendor is one line here and files of its own.
 */
#include "sandbox/sandbox.h"
#include "sandbox/vendors.h"

const struct vendor *const sandbox_vendors[] = {
    &sb_visma_connect_vendor, &sb_visma_vendor, &sb_visma_old_vendor, &sb_orderful_vendor, NULL,
};
