dist_man_MANS = \
	docs/man/spoolgate-alert.1 \
	docs/man/spoolgate-backfill.1 \
	docs/man/spoolgate-check.1 \
	docs/man/spoolgate-config.1 \
	docs/man/spoolgate-list.1 \
	docs/man/spoolgate-map.1 \
	docs/man/spoolgate-metrics.1 \
	docs/man/spoolgate-ping.1 \
	docs/man/spoolgate-reindex.1 \
	docs/man/spoolgate-retry.1 \
	docs/man/spoolgate-run.1 \
	docs/man/spoolgate-sandbox.1 \
	docs/man/spoolgate-secret.1 \
	docs/man/spoolgate-show.1 \
	docs/man/spoolgate-status.1 \
	docs/man/spoolgate-trace.1 \
	docs/man/spoolgate-translate.1 \
	docs/man/spoolgate.1 \
	docs/man/spoolgate.conf.5

doc_DATA = \
	docs/architecture.md \
	docs/benchmarks.md \
	docs/configuration.md \
	docs/map-language.md \
	docs/metrics.md \
	docs/network.md \
	docs/operating.md \
	docs/orderful.md \
	docs/partners.md \
	docs/sandbox.md \
	docs/secrets.md \
	docs/sftp.md \
	docs/spool.md \
	docs/state.md \
	docs/visma.md \
	docs/x12.md docs/edifact.md

# the roles have the page of run
install-data-hook:
	cd "$(DESTDIR)$(man1dir)" && for role in translator courier poller; do ln -sf spoolgate-run.1 spoolgate-$$role.1; done

uninstall-hook:
	cd "$(DESTDIR)$(man1dir)" && rm -f spoolgate-translator.1 spoolgate-courier.1 spoolgate-poller.1
