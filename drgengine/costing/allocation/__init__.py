"""From direct to full cost (成本分摊): five methods on one matrix of drivers, each with its check and its origin."""
