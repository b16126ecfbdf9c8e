libspoolgate_a_SOURCES += \
	src/adapter/url.c src/adapter/url.h \
	src/adapter/moment.c src/adapter/moment.h \
	src/adapter/json_rows.c src/adapter/json_rows.h \
	src/adapter/visma.c src/adapter/visma.h \
	src/adapter/visma_get.c \
	src/adapter/visma_guard.c src/adapter/visma_guard.h \
	src/adapter/visma_rows.c src/adapter/visma_rows.h \
	src/adapter/visma_list.c src/adapter/visma_list.h \
	src/adapter/visma_poll.c \
	src/adapter/orderful.c src/adapter/orderful.h \
	src/adapter/orderful_answer.c \
	src/adapter/orderful_deliver.c \
	src/adapter/orderful_confirm.c \
	src/adapter/orderful_status.c \
	src/adapter/orderful_ping.c
