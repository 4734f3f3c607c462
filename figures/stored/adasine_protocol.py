"""The AdaSine paper's rank against frequency (A.3.1, figure 8): omega = 1..1000, 100 seeds, at (512, 2) and (1024, 4).

Run: python figures/stored/adasine_protocol.py --store FOLDER [--d 512] [--r 2] [--as-it-stands]

Goes on from what the store holds (or takes the seeds that are complete in it, as it stands), and writes beside itself
adasine_protocol_D_R.csv (mean, standard deviation, smallest and largest numerical rank at every frequency), .json
(arguments, versions, hash of the data) and .png.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np

import rankkit as rk


def main() -> None:
    """Sweep, or finish sweeping, and write the table, its manifest and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--r", type=int, default=2)
    parser.add_argument("--as-it-stands", action="store_true")
    options = parser.parse_args()
    if options.as_it_stands:
        sweep = rk.Sweep.load(options.store)
        sizes = sweep.table["seed"].value_counts()
        whole = np.isin(sweep.columns["seed"], sizes.index[sizes == len(sweep.arguments["omegas"])])
        sweep = replace(sweep, columns={name: values[whole] for name, values in sweep.columns.items()})
    else:
        sweep = rk.sweep_frequency(options.d, options.r, protocol="adasine", store=options.store)

    table = sweep.table
    ranks = table.groupby("omega")["numerical_rank"]
    summary = ranks.agg(["mean", "std", "min", "max", "count"]).round(4)
    summary.insert(0, "c", table.groupby("omega")["c"].first().round(6))
    data = summary.to_csv(lineterminator="\n")
    about = {
        "made": date.today().isoformat(),
        "arguments": {name: value for name, value in sweep.arguments.items() if name not in ("omegas", "seeds")},
        "omegas": "1, 2, ..., 1000",
        "seeds": sorted(table["seed"].unique().tolist()),
        "platform": sweep.platform,
        "undecided": int(table["numerical_rank"].isna().sum()),
        "sha256": hashlib.sha256(data.encode()).hexdigest(),
    }
    stem = Path(__file__).with_name(f"adasine_protocol_{options.d}_{options.r}")
    stem.with_suffix(".csv").write_text(data)
    stem.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n")
    mpl.use("Agg")
    axes = sweep.plot()
    axes[0].figure.savefig(stem.with_suffix(".png"), dpi=120)


if __name__ == "__main__":
    main()
