check_PROGRAMS += tests/unit/test_config tests/unit/test_adapters
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = $(unit_ldadd)
tests_unit_test_adapters_SOURCES = tests/unit/test_adapters.c
tests_unit_test_adapters_LDADD = $(unit_ldadd)
