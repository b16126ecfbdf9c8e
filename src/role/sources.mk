libspoolgate_a_SOURCES += \
	src/role/role.h \
	src/role/process.c src/role/process.h \
	src/role/listing.c src/role/listing.h \
	src/role/difference.c src/role/difference.h \
	src/role/message.c src/role/message.h \
	src/role/translation.c src/role/translation.h \
	src/role/ledger.c \
	src/role/hand.c src/role/hand.h \
	src/role/group.c \
	src/role/gather.c src/role/gather.h \
	src/role/translator.c
