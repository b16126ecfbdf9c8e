/*
 * vendors.h - the simulated hosts, each defined in its own file.
 */
#ifndef SANDBOX_VENDORS_H
#define SANDBOX_VENDORS_H

struct vendor;

extern const struct vendor sb_visma_connect_vendor; /* visma/connect.c */
extern const struct vendor sb_visma_vendor;         /* visma.c */
extern const struct vendor sb_visma_old_vendor;     /* visma.c */
extern const struct vendor sb_orderful_vendor;      /* orderful.c */

#endif
