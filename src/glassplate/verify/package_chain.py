"""One story: what was searched was shown, what was shown was held or exported, by one person's request, for one case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.verify.package_entries import context_of

if TYPE_CHECKING:
    from glassplate.evidence.document import EvidenceDocument
    from glassplate.verify.findings import Verification
    from glassplate.verify.package_entries import PackageEntries


def check_chain(document: EvidenceDocument, entries: PackageEntries, result: Verification) -> None:
    """Find what does not fit together."""
    exports = [index for index, role in entries.roles.items() if role == "export"]
    if len(exports) != 1 or exports[0] not in entries.fields:
        result.find("evidence.json", "it must name exactly one export, this one")
        return
    try:
        for problem in _problems(document, entries, exports[0]):
            result.find("evidence.json", problem)
    except (KeyError, TypeError, AttributeError) as missing:
        result.find("evidence.json", f"an entry does not disclose what the story needs ({missing})")


def _problems(document: EvidenceDocument, entries: PackageEntries, export_index: int) -> list[str]:
    export = entries.fields[export_index]
    problems = _of_export(document, export)
    wanted = {read.read_id for read in document.reads}
    search_index, hold_id = export["search_index"], export["hold_id"]
    used = {export_index} | {index for index, role in entries.roles.items() if role == "epoch-closed"}
    while hold_id is not None:
        index = next(
            (i for i, f in entries.fields.items() if f.get("hold_id") == hold_id and i != export_index), None
        )
        if index is None or index in used:
            return [*problems, f"the hold {hold_id} that the reads come from is not in it"]
        used.add(index)
        hold = entries.fields[index]
        kept = next(
            (
                i
                for i, role in entries.roles.items()
                if role == "hold-outcome" and _holds(entries, i, hold_id)
            ),
            None,
        )
        if kept is None or kept < index:
            problems.append(f"nothing shows that the hold {hold_id} kept anything")
        else:
            used.add(kept)
        if hold["case_number"] != document.case_number or (
            hold["read_ids"] and not wanted <= set(hold["read_ids"])
        ):
            problems.append(f"the hold {hold_id} is of another case, or of other reads")
        search_index, hold_id = hold["search_index"], hold["extends"]
    if search_index is not None:
        problems += _of_search(document, entries, search_index, wanted, used)
    strange = sorted(set(entries.roles) - used)
    if strange:
        problems.append(f"the entries {strange} are no part of the story")
    return problems


def _of_export(document: EvidenceDocument, export: dict[str, Any]) -> list[str]:
    problems = []
    said = (
        document.requester,
        document.approvers,
        document.reason,
        document.case_number,
        document.exported_at,
    )
    recorded = tuple(export[name] for name in ("account_id", "approvers", "reason", "case_number", "at"))
    if said != recorded:
        problems.append("requester, approvers, reason, case or time differ from the recorded export")
    context = context_of(export["cedar_request"])["context"]
    approvers = [context[name]["__entity"]["id"] for name in ("firstApprover", "secondApprover")]
    if approvers != document.approvers[:2] or context["caseNumber"] != document.case_number:
        problems.append("the policy was asked about other approvers, or another case")
    ids = [read.read_id for read in document.reads]
    if len(set(ids)) != len(ids) or (export["read_ids"] and set(ids) != set(export["read_ids"])):
        problems.append("it holds other reads than the recorded export names")
    return problems


def _of_search(
    document: EvidenceDocument, entries: PackageEntries, index: int, wanted: set[str], used: set[int]
) -> list[str]:
    outcome = next(
        (
            i
            for i, role in entries.roles.items()
            if role == "search-outcome" and entries.fields.get(i, {}).get("search_index") == index
        ),
        None,
    )
    if entries.roles.get(index) != "search" or index not in entries.fields or outcome is None:
        return [f"the search, entry {index}, or what it showed is not in it"]
    used |= {index, outcome}
    problems = []
    if entries.fields[index]["case_number"] != document.case_number:
        problems.append("the search was made for another case")
    if not wanted <= set(entries.fields[outcome]["read_ids"]):
        problems.append("the search did not show all of these reads")
    if entries.fields[index]["account_id"] != entries.fields[outcome]["account_id"] or outcome < index:
        problems.append("the search and what it showed are of two persons, or in the wrong order")
    return problems


def _holds(entries: PackageEntries, index: int, hold_id: str) -> bool:
    public = entries.public(index, "hold-outcome")
    return public is not None and public.get("hold") == hold_id and public.get("outcome") == "kept"
