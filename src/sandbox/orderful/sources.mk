libspoolgate_a_SOURCES += \
	src/sandbox/orderful/create.c \
	src/sandbox/orderful/delivery.c \
	src/sandbox/orderful/list.c \
	src/sandbox/orderful/mosaic.c \
	src/sandbox/orderful/network.c \
	src/sandbox/orderful/orderful.c src/sandbox/orderful/orderful.h \
	src/sandbox/orderful/transaction.c \
	src/sandbox/orderful/x12json.c
