libspoolgate_a_SOURCES += \
	src/route/config.c src/route/config.h \
	src/route/sections.c src/route/sections.h \
	src/route/keys.c src/route/keys.h \
	src/route/endpoint.c \
	src/route/authority.c src/route/authority.h \
	src/route/use.c src/route/use.h \
	src/route/listen.c src/route/listen.h \
	src/route/check.c
