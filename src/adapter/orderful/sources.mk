libspoolgate_a_SOURCES += \
	src/adapter/orderful/answer.c \
	src/adapter/orderful/confirm.c \
	src/adapter/orderful/deliver.c \
	src/adapter/orderful/orderful.c src/adapter/orderful/orderful.h \
	src/adapter/orderful/ping.c \
	src/adapter/orderful/status.c
