libspoolgate_a_SOURCES += \
	src/command/run.c \
	src/command/offline.c src/command/offline.h \
	src/command/translate.c \
	src/command/check.c
