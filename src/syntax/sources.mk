libspoolgate_a_SOURCES += \
	src/syntax/syntax.h src/syntax/syntax.c \
	src/syntax/tree.h src/syntax/tree.c \
	src/syntax/wanted.h src/syntax/wanted.c \
	src/syntax/json.c src/syntax/json_scan.h \
	src/syntax/json_write.c src/syntax/json_write.h \
	src/syntax/x12.c \
	src/syntax/x12json.c src/syntax/x12json_names.h src/syntax/x12json_names.c
