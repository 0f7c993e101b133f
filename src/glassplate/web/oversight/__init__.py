"""The oversight face: the record, refusals, key lifecycle and charter, for auditors, council and supervisors."""
