# The seam, and what several adapters do alike; each vendor and transport has a folder.
libspoolgate_a_SOURCES += \
	src/adapter/adapter.c src/adapter/adapter.h \
	src/adapter/earlier.c src/adapter/earlier.h \
	src/adapter/handover.c src/adapter/handover.h \
	src/adapter/json_rows.c src/adapter/json_rows.h \
	src/adapter/moment.c src/adapter/moment.h \
	src/adapter/pickup.c src/adapter/pickup.h \
	src/adapter/pickup_away.c src/adapter/pickup_away.h \
	src/adapter/url.c src/adapter/url.h
include src/adapter/directory/sources.mk
include src/adapter/orderful/sources.mk
include src/adapter/sftp/sources.mk
include src/adapter/visma/sources.mk
