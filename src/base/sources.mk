libspoolgate_a_SOURCES += \
	src/base/slice.h \
	src/base/utf8.c src/base/utf8.h \
	src/base/arena.c src/base/arena.h \
	src/base/buffer.c src/base/buffer.h \
	src/base/date.c src/base/date.h \
	src/base/decimal.c src/base/decimal.h \
	src/base/file.c src/base/file.h \
	src/base/finding.c src/base/finding.h \
	src/base/fingerprint.c src/base/fingerprint.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.c src/base/json.h \
	src/base/log.c src/base/log.h \
	src/base/tally.c src/base/tally.h \
	src/base/word.c src/base/word.h
