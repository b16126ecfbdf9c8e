libspoolgate_a_SOURCES += \
	src/net/locked.c src/net/locked.h \
	src/net/seal.c src/net/seal.h \
	src/net/secrets.c src/net/secrets.h \
	src/net/http.c src/net/http_record.c src/net/http.h src/net/http_tally.c src/net/http_tally.h \
	src/net/backoff.c src/net/backoff.h \
	src/net/budget.c src/net/budget.h \
	src/net/skew.c src/net/skew.h \
	src/net/oauth.c src/net/oauth.h \
	src/net/known_hosts.c src/net/known_hosts.h \
	src/net/sftp.c src/net/sftp_files.c src/net/sftp.h src/net/sftp_session.h
