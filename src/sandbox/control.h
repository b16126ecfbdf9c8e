/*
 * control.h - the control port: plain HTTP on loopback for tests and demos.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "sandbox/sandbox.h"

/* Stands in the place of a vendor for the listener; its handle is sb_control_handle. */
extern const struct vendor sandbox_control_port;
void sb_control_handle(struct exchange *ex);

#endif
