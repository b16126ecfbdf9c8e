libspoolgate_a_SOURCES += \
	src/role/role.h \
	src/role/process.c src/role/process.h \
	src/role/confine.c src/role/confine.h \
	src/role/listing.c src/role/listing.h \
	src/role/whereabouts.c src/role/whereabouts.h \
	src/role/difference.c src/role/difference.h \
	src/role/message.c src/role/message.h \
	src/role/translation.c src/role/translation.h \
	src/role/interchange.c src/role/interchange.h \
	src/role/split.c src/role/split.h \
	src/role/ledger.c \
	src/role/hand.c src/role/hand.h \
	src/role/group.c \
	src/role/gather.c src/role/gather.h \
	src/role/translator.c \
	src/role/desk.c src/role/desk.h \
	src/role/attempts.c src/role/dispatch.c src/role/dispatch.h \
	src/role/order.c src/role/order.h src/role/urgent.c src/role/urgent.h \
	src/role/courier.c src/role/holds.c src/role/holds.h \
	src/role/poller.c \
	src/role/outage.c src/role/outage.h \
	src/role/storage.c src/role/storage.h \
	src/role/gauges.c src/role/gauges.h \
	src/role/metrics.c src/role/metrics.h src/role/exporter.c \
	src/role/board.c src/role/board.h \
	src/role/rounds.c src/role/rounds.h \
	src/role/messenger.c src/role/messenger.h \
	src/role/alerts.c src/role/alerts.h \
	src/role/idle.c src/role/idle.h \
	src/role/summary.c src/role/summary.h \
	src/role/installation.c src/role/installation.h \
	src/role/reload.c src/role/reload.h \
	src/role/supervisor.c
