"""Settlement lists (医疗保障基金结算清单, interface 4101) -> case table."""

from drgengine.formats.settlement.reading import read_settlement
from drgengine.formats.settlement.result import SettlementPages, SettlementSummary

__all__ = ["SettlementPages", "SettlementSummary", "read_settlement"]
