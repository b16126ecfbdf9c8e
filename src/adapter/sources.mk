# The seam, and what moves files; the vendors' REST adapters are listed in rest.mk.
libspoolgate_a_SOURCES += \
	src/adapter/adapter.c src/adapter/adapter.h \
	src/adapter/directory.c \
	src/adapter/pickup.c src/adapter/pickup.h \
	src/adapter/sftp.c
include src/adapter/rest.mk
