libspoolgate_a_SOURCES += \
	src/state/facts.c \
	src/state/figures.c src/state/figures.h \
	src/state/ledger.c \
	src/state/mark.c src/state/mark.h \
	src/state/migrations.c \
	src/state/reach.c src/state/reach.h \
	src/state/reindex.c src/state/reindex.h \
	src/state/sqlite.c src/state/sqlite.h \
	src/state/state.h
