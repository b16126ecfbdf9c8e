libspoolgate_a_SOURCES += \
	src/edi/segment.h src/edi/standard.c src/edi/standard.h \
	src/edi/dictionary.c src/edi/dictionary.h \
	src/edi/plan.h src/edi/plan_tables.c src/edi/plan_sets.c \
	src/edi/table.c src/edi/table.h src/edi/names.c src/edi/names.h \
	src/edi/characters.c src/edi/characters.h \
	src/edi/fault.c src/edi/fault.h \
	src/edi/element.c src/edi/element.h src/edi/glance.h \
	src/edi/walk.c src/edi/walk.h \
	src/edi/check.c src/edi/check.h \
	src/edi/lexer.c src/edi/lexer.h \
	src/edi/x12/isa.c src/edi/x12/x12.h \
	src/edi/reading.c src/edi/reading.h \
	src/edi/x12/reader.c \
	src/edi/writing.c src/edi/writing.h \
	src/edi/x12/envelope.c src/edi/x12/envelope.h \
	src/edi/x12/writer.c \
	src/edi/edifact/edifact.h src/edi/edifact/una.c src/edi/edifact/reader.c \
	src/edi/edifact/writer.c \
	src/edi/format.c \
	src/edi/x12/readable.c
