libspoolgate_a_SOURCES += \
	src/map/map.c src/map/map.h \
	src/map/library.c src/map/library.h \
	src/map/codes.c src/map/codes.h \
	src/map/schema.c src/map/schema.h \
	src/map/path.c \
	src/map/canonical.c \
	src/map/parse.c src/map/statement.h \
	src/map/overlay.c \
	src/map/compile.c src/map/compile.h src/map/program.h \
	src/map/frame.c \
	src/map/place_x12.c src/map/place_json.c \
	src/map/run.c src/map/run.h \
	src/map/read.c src/map/write.c \
	src/map/explain.c
