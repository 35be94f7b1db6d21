"""From a model folder to checked tables (数据读入与检查): words, settings, cells, and all that is wrong."""
