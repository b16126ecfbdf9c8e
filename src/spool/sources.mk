libspoolgate_a_SOURCES += \
	src/spool/batch.c \
	src/spool/content.c \
	src/spool/document.c src/spool/document.h src/spool/envelope.h \
	src/spool/inbox.c src/spool/inbox.h \
	src/spool/name.c src/spool/name.h \
	src/spool/own.c src/spool/own.h \
	src/spool/owner.c src/spool/owner.h \
	src/spool/proof.c src/spool/proof.h \
	src/spool/recover.c src/spool/recover.h \
	src/spool/spool.c src/spool/spool.h \
	src/spool/stage.c src/spool/stage.h \
	src/spool/watch.c src/spool/watch.h \
	src/spool/work.c src/spool/work.h
