check_PROGRAMS += tests/unit/test_secrets tests/unit/test_secret_command \
	tests/unit/test_http tests/unit/test_oauth tests/unit/test_skew tests/unit/test_record tests/unit/test_sftp \
	tests/unit/test_sftp_adapter tests/unit/test_stalled tests/unit/test_directory tests/unit/test_pickup
tests_unit_test_secrets_SOURCES = tests/unit/test_secrets.c tests/unit/test_secrets.h tests/unit/disturb.h
tests_unit_test_secret_command_SOURCES = tests/unit/test_secret_command.c tests/unit/test_secrets.h
tests_unit_test_secret_command_LDADD = $(unit_ldadd)
tests_unit_test_secrets_LDADD = $(unit_ldadd)
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/unit/test_net.h tests/unit/test_server.c
tests_unit_test_http_LDADD = $(unit_ldadd)
tests_unit_test_oauth_SOURCES = tests/unit/test_oauth.c tests/unit/test_net.h tests/unit/test_server.c
tests_unit_test_oauth_LDADD = $(unit_ldadd)
tests_unit_test_skew_SOURCES = tests/unit/test_skew.c tests/unit/tree.h
tests_unit_test_skew_LDADD = $(unit_ldadd)
tests_unit_test_record_SOURCES = tests/unit/test_record.c
tests_unit_test_record_LDADD = $(unit_ldadd)
tests_unit_test_sftp_SOURCES = tests/unit/test_sftp.c tests/unit/sshd.c tests/unit/sshd.h tests/unit/tree.h
tests_unit_test_sftp_LDADD = $(unit_ldadd)
tests_unit_test_sftp_adapter_SOURCES = tests/unit/test_sftp_adapter.c tests/unit/sshd.c tests/unit/sshd.h \
	tests/unit/test_adapter.h tests/unit/tree.h
tests_unit_test_sftp_adapter_LDADD = $(unit_ldadd)
tests_unit_test_directory_SOURCES = tests/unit/test_directory.c tests/unit/customer.h tests/unit/test_adapter.h tests/unit/tree.h
tests_unit_test_directory_LDADD = $(unit_ldadd)
tests_unit_test_stalled_SOURCES = tests/unit/test_stalled.c tests/unit/relay.c tests/unit/relay.h tests/unit/sshd.c \
	tests/unit/sshd.h tests/unit/test_adapter.h tests/unit/tree.h
tests_unit_test_stalled_LDADD = $(unit_ldadd)
tests_unit_test_pickup_SOURCES = tests/unit/test_pickup.c tests/unit/customer.h tests/unit/test_adapter.h tests/unit/tree.h
tests_unit_test_pickup_LDADD = $(unit_ldadd)
