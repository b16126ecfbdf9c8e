# The seam, what several adapters do alike, and what moves files; each vendor has a folder.
libspoolgate_a_SOURCES += \
	src/adapter/adapter.c src/adapter/adapter.h \
	src/adapter/directory.c \
	src/adapter/earlier.c src/adapter/earlier.h \
	src/adapter/json_rows.c src/adapter/json_rows.h \
	src/adapter/moment.c src/adapter/moment.h \
	src/adapter/pickup.c src/adapter/pickup.h \
	src/adapter/sftp.c \
	src/adapter/url.c src/adapter/url.h
include src/adapter/orderful/sources.mk
include src/adapter/visma/sources.mk
