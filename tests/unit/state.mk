check_PROGRAMS += tests/unit/test_state tests/unit/test_reindex tests/unit/test_reach
tests_unit_test_state_SOURCES = tests/unit/test_state.c tests/unit/desk.h tests/unit/tree.h
tests_unit_test_state_LDADD = $(unit_ldadd)
tests_unit_test_reindex_SOURCES = tests/unit/test_reindex.c tests/unit/desk.h tests/unit/tree.h
tests_unit_test_reindex_LDADD = $(unit_ldadd)
tests_unit_test_reach_SOURCES = tests/unit/test_reach.c tests/unit/desk.h tests/unit/tree.h
tests_unit_test_reach_LDADD = $(unit_ldadd)
