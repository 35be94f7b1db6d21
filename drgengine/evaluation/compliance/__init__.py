"""Policy compliance (政策符合性): every line of the reform documents with what the evaluation says about it."""

from drgengine.evaluation.compliance.linetable import COLUMNS, STATUS, policy_compliance

__all__ = ["COLUMNS", "STATUS", "policy_compliance"]
