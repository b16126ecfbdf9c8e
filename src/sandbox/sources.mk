# The server and what every vendor's simulation needs; each vendor has a folder, and a line in vendors.c.
libspoolgate_a_SOURCES += src/command/sandbox.c \
	src/sandbox/budget.c src/sandbox/budget.h \
	src/sandbox/certificate.c src/sandbox/certificate.h \
	src/sandbox/clock.c src/sandbox/clock.h \
	src/sandbox/control.c src/sandbox/control.h \
	src/sandbox/document.c src/sandbox/document.h \
	src/sandbox/exchange.c src/sandbox/exchange.h \
	src/sandbox/fault.c src/sandbox/fault.h \
	src/sandbox/journal.c src/sandbox/journal.h \
	src/sandbox/sandbox.h \
	src/sandbox/server.c \
	src/sandbox/settings.c \
	src/sandbox/traffic.c src/sandbox/traffic.h \
	src/sandbox/vendors.c src/sandbox/vendors.h
include src/sandbox/orderful/sources.mk
include src/sandbox/visma/sources.mk
