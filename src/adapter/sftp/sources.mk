libspoolgate_a_SOURCES += \
	src/adapter/sftp/confirm.c \
	src/adapter/sftp/ping.c \
	src/adapter/sftp/send.c \
	src/adapter/sftp/sftp.c src/adapter/sftp/sftp.h
