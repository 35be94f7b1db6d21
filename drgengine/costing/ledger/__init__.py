"""From ledger lines to direct cost, and what it is divided by (直接成本、分摊参数、成本口径)."""
