libspoolgate_a_SOURCES += src/command/secret.c src/command/ping.c src/command/alert.c
