libspoolgate_a_SOURCES += \
	src/command/view.c src/command/view.h \
	src/command/waiting.c src/command/waiting.h \
	src/command/list.c \
	src/command/metrics.c \
	src/command/person.c src/command/person.h \
	src/command/reindex.c \
	src/command/renamed.c src/command/renamed.h \
	src/command/retry.c \
	src/command/show.c \
	src/command/status.c src/command/status.h src/command/status_gateway.c \
	src/command/trace.c
