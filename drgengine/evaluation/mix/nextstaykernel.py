"""The next stay of the same patient, over plain arrays sorted by patient and admission."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def next_stay_kernel(
    patient: npt.NDArray[np.int64],
    admission: npt.NDArray[np.int32],
    discharge: npt.NDArray[np.int32],
    opens: npt.NDArray[np.bool_],
    counts: npt.NDArray[np.bool_],
    longest: int,
    follower: npt.NDArray[np.int64],
    overlapping: npt.NDArray[np.bool_],
) -> None:
    """follower[i] = row of the next stay that counts, admitted 0..longest days after discharge i; -1 = none.

    patient : int64 (n,)    admission, discharge : int32 (n,), days; rows sorted by patient, admission, discharge
    opens, counts : bool (n,)    the row may be an index stay; the row may be a readmission
    longest : int    days
    follower : int64 (n,) out    overlapping : bool (n,) out, a later row of the patient was admitted before discharge i
    A row with the same two dates is another record of the same stay and never follows it.
    """
    for i in range(patient.size):
        follower[i] = -1
        overlapping[i] = False
        if not opens[i]:
            continue
        for k in range(i + 1, patient.size):
            if patient[k] != patient[i]:
                break
            gap = np.int64(admission[k]) - np.int64(discharge[i])
            if gap > longest:
                break
            if admission[k] == admission[i] and discharge[k] == discharge[i]:
                continue
            if gap < 0:
                overlapping[i] = True
            elif counts[k]:
                follower[i] = k
                break
