"""The result folder of a run (结果文件夹): written whole, with its manifest, and traced back to the ledger."""
