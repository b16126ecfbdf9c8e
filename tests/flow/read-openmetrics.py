"""Reads OpenMetrics text with the parser of Prometheus' own Python client, which takes nothing that the specification does
not allow; prints each sample as "name{label=value,...} value", sorted."""
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families

text = sys.stdin.read()
lines = []
for family in text_string_to_metric_families(text):
    for sample in family.samples:
        labels = ",".join("%s=%s" % pair for pair in sorted(sample.labels.items()))
        lines.append("%s{%s} %g" % (sample.name, labels, sample.value))
    if not family.documentation:
        sys.exit("%s has no help" % family.name)
print("\n".join(sorted(lines)))
