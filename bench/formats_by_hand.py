"""What pyarrow itself makes of a CSV file: streams it into Parquet, by the types of a contract and without its checks.

`python formats_by_hand.py COMPONENT CONTRACT FILE TARGET`; blocks are as large as those of register_dataset.
"""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

component, contract, file, target = map(Path, sys.argv[1:])
sys.path.insert(0, str(component))
from contract import load_contract  # noqa: E402 - beside register_dataset.py
from lines import BLOCK  # noqa: E402

types = load_contract(contract).columns
options = pa.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
reader = pa.csv.open_csv(file, pa.csv.ReadOptions(block_size=BLOCK), convert_options=options)
with pq.ParquetWriter(target, pa.schema(types)) as writer:
    for batch in reader:
        writer.write_batch(batch)
