"""Cases, diseases and DRGs (病例、病种、DRG 成本): three methods, one cube, any view of it."""
