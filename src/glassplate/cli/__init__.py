"""The command line. One module a verb; each is a client of the vault and holds no secret but the person's session.

Rules of the interface:

* results go to standard output, words for people to standard error;
* ``--json`` prints the result as one JSON document and nothing else;
* exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 log unavailable, 5 a proof does not hold;
* a failed command leaves no half-written file; what would lose something asks first, unless ``--yes``;
* no prompt where standard input is not a terminal.
"""
