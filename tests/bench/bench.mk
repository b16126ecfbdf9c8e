# make bench: speed, memory and latency, as a table; never part of the tests.
bench_programs = tests/bench/bench_translate tests/bench/bench_x12 tests/bench/bench_disk tests/bench/bench_fill \
	tests/bench/bench_latency
EXTRA_PROGRAMS = $(bench_programs)
bench_ldadd = libspoolgate.a $(DEPENDENCIES_LIBS) -lpthread -lm
tests_bench_bench_translate_SOURCES = tests/bench/bench_translate.c
tests_bench_bench_translate_LDADD = $(bench_ldadd)
tests_bench_bench_x12_SOURCES = tests/bench/bench_x12.c
tests_bench_bench_x12_LDADD = $(bench_ldadd)
tests_bench_bench_disk_SOURCES = tests/bench/bench_disk.c
tests_bench_bench_fill_SOURCES = tests/bench/bench_fill.c
tests_bench_bench_fill_LDADD = $(bench_ldadd)
tests_bench_bench_latency_SOURCES = tests/bench/bench_latency.c
tests_bench_bench_latency_LDADD = $(bench_ldadd)

bench: spoolgate $(bench_programs)
	@SPOOLGATE='$(abs_top_builddir)/spoolgate' BENCH='$(abs_top_builddir)/tests/bench' \
	top_srcdir='$(abs_top_srcdir)' SPOOLGATE_TRANSLATORS='$(abs_top_srcdir)/translators' $(top_srcdir)/tests/bench/run
.PHONY: bench
CLEANFILES = $(bench_programs)
