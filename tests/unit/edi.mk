check_PROGRAMS += tests/unit/test_edi tests/unit/test_edi_dictionary tests/unit/test_edi_format \
	tests/unit/test_edi_glance tests/unit/test_edi_hostile tests/unit/test_edi_json tests/unit/test_edi_write tests/unit/test_edifact
tests_unit_test_edi_SOURCES = tests/unit/test_edi.c tests/unit/test_edi.h
tests_unit_test_edi_LDADD = $(unit_ldadd)
tests_unit_test_edi_dictionary_SOURCES = tests/unit/test_edi_dictionary.c tests/unit/test_edi.h
tests_unit_test_edi_dictionary_LDADD = $(unit_ldadd)
tests_unit_test_edi_format_SOURCES = tests/unit/test_edi_format.c tests/unit/test_edi.h
tests_unit_test_edi_format_LDADD = $(unit_ldadd)
tests_unit_test_edi_hostile_SOURCES = tests/unit/test_edi_hostile.c tests/unit/test_edi.h
tests_unit_test_edi_hostile_LDADD = $(unit_ldadd)
tests_unit_test_edi_json_SOURCES = tests/unit/test_edi_json.c tests/unit/test_edi.h
tests_unit_test_edi_json_LDADD = $(unit_ldadd)
tests_unit_test_edi_write_SOURCES = tests/unit/test_edi_write.c tests/unit/test_edi.h
tests_unit_test_edi_write_LDADD = $(unit_ldadd)
tests_unit_test_edi_glance_SOURCES = tests/unit/test_edi_glance.c tests/unit/test_edi.h
tests_unit_test_edi_glance_LDADD = $(unit_ldadd)
tests_unit_test_edifact_SOURCES = tests/unit/test_edifact.c tests/unit/test_edi.h
tests_unit_test_edifact_LDADD = $(unit_ldadd)
