check_PROGRAMS += tests/unit/test_role tests/unit/test_translator tests/unit/test_dispatch
tests_unit_test_role_SOURCES = tests/unit/test_role.c tests/unit/tree.h
tests_unit_test_role_LDADD = $(unit_ldadd)
tests_unit_test_translator_SOURCES = tests/unit/test_translator.c tests/unit/tree.h
tests_unit_test_translator_LDADD = $(unit_ldadd)
tests_unit_test_dispatch_SOURCES = tests/unit/test_dispatch.c tests/unit/tree.h
tests_unit_test_dispatch_LDADD = $(unit_ldadd)
