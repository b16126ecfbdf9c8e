# Flow tests: the whole program as its users run it. One a job; lib.sh is what they share.
# those that wait longest come first, so that none is left alone at the end
FLOWS = tests/flow/alerts.t tests/flow/orderful.t tests/flow/metrics.t tests/flow/kill.t tests/flow/machine.t \
	tests/flow/outage.t tests/flow/reload.t tests/flow/stalled.t tests/flow/clocks.t tests/flow/crash.t \
	tests/flow/dropped.t tests/flow/secrets.t tests/flow/fuzz.t tests/flow/sources.t tests/flow/start.t \
	tests/flow/advice.t tests/flow/retry.t tests/flow/demo.t tests/flow/commands.t tests/flow/inbox.t tests/flow/mv.t \
	tests/flow/roles.t tests/flow/sftp.t tests/flow/visma.t tests/flow/readers.t tests/flow/openapi.t \
	tests/flow/full-disk.t tests/flow/silence.t tests/flow/archive.t tests/flow/envelopes.t tests/flow/whole.t \
	tests/flow/sandbox.t tests/flow/manual.t tests/flow/docs.t tests/flow/customers.t tests/flow/sizes.t tests/flow/log.t \
	tests/flow/completion.t tests/flow/renamed.t tests/flow/build-folder.t
