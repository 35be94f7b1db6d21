"""How sure a result is (不确定性): bootstrap of the whole chain, rank intervals, funnels, shrinkage, classes."""
