libspoolgate_a_SOURCES += \
	src/command/run.c \
	src/command/offline.c src/command/offline.h \
	src/command/translate.c \
	src/command/check.c src/command/checking.h src/command/checking_edi.c src/command/checking_archive.c
