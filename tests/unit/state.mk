check_PROGRAMS += tests/unit/test_state
tests_unit_test_state_SOURCES = tests/unit/test_state.c tests/unit/tree.h
tests_unit_test_state_LDADD = $(unit_ldadd)
