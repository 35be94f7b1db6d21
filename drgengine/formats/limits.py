"""What no honest file of a hospital exceeds (文件上限): sizes at which a reader stops, each with its reason."""

from __future__ import annotations

MIB = 1 << 20
GIB = 1 << 30

# Delimited text is looked at this far for encoding, delimiter and header; the 811-column front page has a header
# of 20 KB, so one that has not ended by then is no header.
TEXT_SAMPLE_BYTES = 4 * MIB

# A block is what the parser holds at once, and no row may be longer. The reader runs up to 32 blocks ahead, so memory
# is a multiple of this; an 811-column row has 1 to 6 KB.
TEXT_BLOCK_BYTES = (1 * MIB, 8 * MIB)

# Read and re-coded at one go.
TEXT_PIECE_BYTES = 1 * MIB

# Deflate reaches 1,032 : 1 on zeros alone; wide sparse front pages stay below 60 : 1. Small files may repeat
# themselves more, so the ratio counts from the size on.
GZIP_RATIO = 400
GZIP_RATIO_FROM_BYTES = 1 * GIB

# A place in a file where so many rows do not fit the header has another delimiter or another header.
RAGGED_ROWS = 1_000_000

# The parts of a workbook together; 100,000 front pages of 811 columns are 0.6 GB of XML. Nothing is parsed beyond it.
EXCEL_UNPACKED_BYTES = 4 * GIB
EXCEL_PARTS = 20_000
DEFLATE_RATIO = 1_032

# A sheet is held whole, as a rectangle of about 46 bytes a cell, empty cells included, by a process of its own:
# 100,000 front pages of 811 columns need 3.8 GB. The process may take no more memory and computing time than this.
EXCEL_MEMORY_BYTES = 6 * GIB
EXCEL_SECONDS = 900
EXCEL_HEADER_ROWS = 10
EXCEL_HEADER_CELLS = 3
# From here on a number has more digits than Excel keeps (15): the last ones are invented.
EXCEL_WHOLE_NUMBERS = 1e15

# The footer of a Parquet file is held whole, several times over; 800 columns in 1,000 row groups need 100 MB.
PARQUET_FOOTER_BYTES = 512 * MIB
# Lists of structs of lists need 6 levels; readers recurse, and at some thousands the stack of the process ends.
PARQUET_LEVELS = 64
PARQUET_COLUMNS = 200_000

# dBase III allows 128 fields, FoxPro 255; other writers go to what two bytes of header length can hold.
DBF_FIELDS = 2_046
DBF_BLOCK_BYTES = 8 * MIB
