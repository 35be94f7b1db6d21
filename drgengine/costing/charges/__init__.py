"""From charge lines to what was done for whom and by whom (收费明细、业务量)."""
