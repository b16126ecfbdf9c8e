libspoolgate_a_SOURCES += \
	src/sandbox/visma/connect.c \
	src/sandbox/visma/generate.c \
	src/sandbox/visma/list.c \
	src/sandbox/visma/resources.c \
	src/sandbox/visma/store.c \
	src/sandbox/visma/visma.c src/sandbox/visma/visma.h
