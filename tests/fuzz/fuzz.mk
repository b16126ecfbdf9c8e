fuzz:
	$(top_srcdir)/tests/fuzz/run '$(abs_top_builddir)/tests/fuzz'
.PHONY: fuzz
