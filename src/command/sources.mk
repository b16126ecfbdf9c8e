libspoolgate_a_SOURCES += src/command/command.h src/command/common.c src/command/options.c src/command/map.c
include src/command/spool-commands.mk
include src/command/net-commands.mk
include src/command/config-commands.mk
include src/command/role-commands.mk
