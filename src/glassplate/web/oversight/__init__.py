"""The oversight face: record, refusals, key lifecycle and charter, for auditors, council and supervisors."""
