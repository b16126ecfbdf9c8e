/* difference: in what two canonical documents differ, member by member. */
#ifndef SPOOLGATE_ROLE_DIFFERENCE_H
#define SPOOLGATE_ROLE_DIFFERENCE_H

#include "syntax/tree.h"
#include "base/finding.h"

#define DIFFERENCE_LIMIT 10

/* Adds an error finding for each of the first DIFFERENCE_LIMIT members that differ. Numbers are compared by
 * value
 * ("10" is "10.00"). The number of members that differ. */
unsigned difference_find(const struct node *before, const struct node *now, struct findings *f);

#endif
