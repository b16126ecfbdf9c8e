check_PROGRAMS += tests/unit/test_spool tests/unit/test_inbox tests/unit/test_claim
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c tests/unit/tree.h
tests_unit_test_spool_LDADD = $(unit_ldadd)
tests_unit_test_inbox_SOURCES = tests/unit/test_inbox.c tests/unit/disturb.h tests/unit/tree.h
tests_unit_test_inbox_LDADD = $(unit_ldadd)
tests_unit_test_claim_SOURCES = tests/unit/test_claim.c tests/unit/disturb.h tests/unit/tree.h
tests_unit_test_claim_LDADD = $(unit_ldadd)
