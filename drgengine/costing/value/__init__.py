"""What cases are worth (权重、支付、盈亏): weights, payment by rate, points and scores, margins, indices."""
