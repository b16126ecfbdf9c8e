libspoolgate_a_SOURCES += \
	src/adapter/directory/confirm.c \
	src/adapter/directory/directory.c src/adapter/directory/directory.h \
	src/adapter/directory/send.c \
	src/adapter/directory/side.c
