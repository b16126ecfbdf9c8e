# The fuzz targets with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, as tests/fuzz/run calls it:
#
#   make -f tests/fuzz/build.mk top=SOURCES out=FOLDER FOLDER/fuzz_x12 …
#
# Everything below the roles is compiled once for all targets; what has not changed is not compiled again.
CLANG ?= clang
packages = libcurl libxml-2.0 jansson libssh2 libcrypto libssl sqlite3 inih libmicrohttpd
flags = -std=gnu17 -D_GNU_SOURCE -O1 -g -MMD -MP -I$(top)/src $(shell pkg-config --cflags $(packages)) \
	-DSPOOLGATE_DATADIR='"$(top)"' -DSPOOLGATE_SYSCONFDIR='"/etc"' -DSPOOLGATE_VERSION='"fuzz"' \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
modules = base syntax edi map spool state route net adapter
sources = $(shell find $(modules:%=$(top)/src/%) -name '*.c' | sort)
objects = $(sources:$(top)/src/%.c=$(out)/%.o)

$(out)/fuzz_%: $(top)/tests/fuzz/fuzz_%.c $(out)/objects.a
	$(CLANG) $(flags) -fsanitize=fuzzer $< $(out)/objects.a -o $@ $(shell pkg-config --libs $(packages)) -lpthread -lm

# anew when a file has come or gone, too
$(out)/objects.a: $(objects) $(out)/sources.list
	rm -f $@
	ar cr $@ $(objects)

$(out)/sources.list: always
	@echo '$(sources)' | cmp -s - $@ || echo '$(sources)' >$@

$(objects): $(out)/%.o: $(top)/src/%.c
	@mkdir -p $(@D)
	$(CLANG) $(flags) -fsanitize=fuzzer-no-link -c $< -o $@

always:
.PHONY: always
.SUFFIXES:
-include $(objects:.o=.d) $(wildcard $(out)/fuzz_*.d)
