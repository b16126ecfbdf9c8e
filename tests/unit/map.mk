check_PROGRAMS += tests/unit/test_json tests/unit/test_map tests/unit/test_map_language tests/unit/test_map_mistakes \
	tests/unit/test_map_overlay tests/unit/test_map_canonical tests/unit/test_map_hostile
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(unit_ldadd)
tests_unit_test_map_SOURCES = tests/unit/test_map.c tests/unit/test_map.h
tests_unit_test_map_LDADD = $(unit_ldadd)
tests_unit_test_map_language_SOURCES = tests/unit/test_map_language.c tests/unit/test_map.h
tests_unit_test_map_language_LDADD = $(unit_ldadd)
tests_unit_test_map_mistakes_SOURCES = tests/unit/test_map_mistakes.c tests/unit/test_map.h
tests_unit_test_map_mistakes_LDADD = $(unit_ldadd)
tests_unit_test_map_overlay_SOURCES = tests/unit/test_map_overlay.c tests/unit/test_map.h
tests_unit_test_map_overlay_LDADD = $(unit_ldadd)
tests_unit_test_map_canonical_SOURCES = tests/unit/test_map_canonical.c tests/unit/test_map.h
tests_unit_test_map_canonical_LDADD = $(unit_ldadd)
tests_unit_test_map_hostile_SOURCES = tests/unit/test_map_hostile.c tests/unit/test_map.h
tests_unit_test_map_hostile_LDADD = $(unit_ldadd)
