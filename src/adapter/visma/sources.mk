libspoolgate_a_SOURCES += \
	src/adapter/visma/get.c \
	src/adapter/visma/guard.c src/adapter/visma/guard.h \
	src/adapter/visma/list.c src/adapter/visma/list.h \
	src/adapter/visma/poll.c \
	src/adapter/visma/rows.c src/adapter/visma/rows.h \
	src/adapter/visma/visma.c src/adapter/visma/visma.h
