"""Two lists that the workbook does not hold: diagnoses not allowed as principal, procedures not used for grouping."""

from __future__ import annotations

import os

from drgengine.grouper.scheme import NOT_FOR_GROUPING, NOT_PRINCIPAL
from drgengine.grouper.workbook.editionfile import WorkbookEdition
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.members import Members
from drgengine.grouper.workbook.sentences import said

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
        place = said("at_file", file=str(not_principal))
        findings.note("list_added", place, n=len(diagnoses[NOT_PRINCIPAL]), list=NOT_PRINCIPAL)
    elif refused:
        findings.note("list_not_given", said("at_option", option="--not-principal"), "no_principal_list")
    if not_for_grouping is None:
        findings.note("list_not_given", said("at_option", option="--not-for-grouping"), "no_grouping_list")
        return
    grey = _codes(not_for_grouping)
    place = said("at_file", file=str(not_for_grouping))
    findings.note("list_added", place, n=len(grey), list=NOT_FOR_GROUPING)
    for name in edition.for_grouping:
        there = members.sets.get(name)
        taken = [code for code in grey if there is not None and code in there.codes]
        if taken:
            grey = [code for code in grey if code not in taken]
            findings.repair("kept_for_grouping", place, n=len(taken), set=name, codes=some(taken))
    procedures[NOT_FOR_GROUPING] = grey


def _codes(path: str | os.PathLike[str]) -> list[str]:
    from drgengine.formats.codemaps import load_grey_codes

    return sorted(load_grey_codes(path))
