libspoolgate_a_SOURCES += src/command/config.c src/command/backfill.c
