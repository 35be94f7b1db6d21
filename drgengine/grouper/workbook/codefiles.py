"""Two lists that the workbook does not hold: diagnoses not allowed as principal, procedures not used for grouping."""

from __future__ import annotations

import os

from drgengine.grouper.scheme import NOT_FOR_GROUPING, NOT_PRINCIPAL
from drgengine.grouper.workbook.editionfile import WorkbookEdition
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.members import Members

Given = str | os.PathLike[str] | None


def add_code_files(
    edition: WorkbookEdition,
    members: Members,
    diagnoses: dict[str, list[str]],
    procedures: dict[str, list[str]],
    files: tuple[Given, Given],
    findings: Findings,
) -> None:
    """Add the lists `not_principal` and `not_for_grouping` from files with one column of codes.

    Codes of the sets that the edition file names in [sets] for_grouping are taken out of the second one. A list that is
    not given is told as a note: what is not enforced without it. Raises InputFileError for an unreadable file.
    """
    not_principal, not_for_grouping = files
    refused = "not_allowed" in edition.options.get("refused_principals", ())
    if not_principal is not None:
        diagnoses[NOT_PRINCIPAL] = _codes(not_principal)
        findings.note("list_added", str(not_principal), f"{len(diagnoses[NOT_PRINCIPAL]):,} codes: {NOT_PRINCIPAL}")
    elif refused:
        text = (
            "the diagnoses not allowed as principal stand elsewhere; without them such a record is grouped like any "
            "other. Give them as a file with one column of codes: --not-principal FILE"
        )
        findings.note("list_not_given", "not_principal", text)
    if not_for_grouping is None:
        text = (
            "the procedures not used for grouping (灰码) stand elsewhere; without them such a first procedure counts "
            "like any other. Give them as a file with one column of codes: --not-for-grouping FILE"
        )
        findings.note("list_not_given", "not_for_grouping", text)
        return
    grey = _codes(not_for_grouping)
    findings.note("list_added", str(not_for_grouping), f"{len(grey):,} codes: {NOT_FOR_GROUPING}")
    for name in edition.for_grouping:
        there = members.sets.get(name)
        taken = [code for code in grey if there is not None and code in there.codes]
        if taken:
            grey = [code for code in grey if code not in taken]
            text = f"{len(taken)} codes of {name} are used for grouping and taken out of the list: {some(taken)}"
            findings.repair("kept_for_grouping", str(not_for_grouping), text)
    procedures[NOT_FOR_GROUPING] = grey


def _codes(path: str | os.PathLike[str]) -> list[str]:
    from drgengine.formats.codemaps import load_grey_codes

    return sorted(load_grey_codes(path))
