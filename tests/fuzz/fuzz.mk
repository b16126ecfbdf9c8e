# tests/fuzz/run says what else there is; FUZZ_SECONDS and FUZZ_TARGETS are taken from the environment
fuzz:
	$(top_srcdir)/tests/fuzz/run '$(abs_top_builddir)/tests/fuzz'
.PHONY: fuzz
