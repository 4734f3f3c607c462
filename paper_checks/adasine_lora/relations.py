"""How the numbers of the AdaSine paper hang together."""

from rankkit.reported import Paper, exact, lora_parameters, magnitude_parameters, response_parameters, said

PAPER = Paper("adasine_lora", __file__)
REASON = ("BoolQ", "PIQA", "SIQA", "HS", "WG", "ARC-e", "ARC-c", "OBQA")
TASKS = ("GSM8K", "MATH", "HumanEval", "MBPP", "Xsum_rouge1", "Xsum_rougeLsum")
SIGHT = ("VQAv2", "GQA", "VisWiz", "SQA", "VQAT", "POPE", "MMBench")
# of the splits whose labels are public: validation, and test for OBQA
ITEMS = dict(zip(REASON[:5], (3270, 1838, 1954, 10042, 1267), strict=True)) | {"OBQA": 500}
# A.3.4: "specifically targeting the gate_proj, up_proj, and down_proj linear layers"
MODULES, LLAMA = ("gate", "up", "down"), "Llama-3-8B"
WHAT = "r (m + n) of gate, up, down; DoRA: a magnitude per output; AdaSine: a weight per input"


def average(table: int, row: str, changes: str):
    """Say what can be said for the averages of a table."""
    return said(
        f"Table {table} | {row}",
        defence="Averages may be of scores with more digits, or their last digit may be cut.",
        fails="Both move an average of these columns by less than 0.02; the gaps are 0.03 to 0.50.",
        changes=changes,
        weight="number",
    )


def parameters(method: str, rank: int):
    """Count what the method trains in Llama-3-8B, in millions."""
    more = 0
    if "DoRA" in method:
        more = magnitude_parameters(LLAMA, MODULES)
    elif "Ada" in method:
        more = response_parameters(LLAMA, MODULES)
    return exact(lora_parameters(LLAMA, MODULES, rank) + more) / 10**6


t1 = PAPER.table("table1", key="method rank")
t2 = PAPER.table("table2", key="method rank")
PAPER.means(t1, REASON, "avg", within=["rank"])
PAPER.deltas(t1, "delta", "avg", lambda row: f"LoRA {row.split()[-1]}")
PAPER.means(
    t2,
    TASKS,
    "avg",
    within=["rank"],
    words={
        "AdaSine-LoRA 8": average(2, "43.71", "44.21 for AdaSine at 8"),
        "DoRA 16": average(2, "43.65", "43.62 for DoRA at 16"),
    },
)
for table in (t1, t2):
    for row, cells in table.rows.items():
        count = parameters(cells["method"], int(cells["rank"]))
        PAPER.result(table, row, "params_M", count, WHAT, basis="reading")
for r, printed in ((8, "4.25"), (16, "4.51"), (32, "3.63")):
    PAPER.states("4.1", printed, t1[f"AdaSine-LoRA {r}", "avg"] - t1[f"LoRA {r}", "avg"], f"gain over LoRA at {r}")
for row in t2.rows:
    PAPER.same("Tables 1 and 2", f"parameters of {row}", t1[row, "params_M"], t2[row, "params_M"])

t3 = PAPER.table("table3", key="method")
PAPER.means(t3, SIGHT, "avg")
# of 7.1 billion parameters of LLaVA-1.5-7B; all seven modules, as in the DoRA paper, whose settings 4.2 follows
SEVEN, BASE = ("q", "k", "v", "o", "gate", "up", "down"), 7062902784
for row, more in (
    ("DoRA", magnitude_parameters("Llama-2-7B", SEVEN)),
    ("Ours", response_parameters("Llama-2-7B", SEVEN)),
):
    over, share = t3[row, "pct_params"] - t3["LoRA", "pct_params"], exact(100 * more, f"100 * {more}") / BASE
    PAPER.same("Table 3", f"share of the parameters of {row} over LoRA's", over, share)
PAPER.states("4.2", "0.4", t3["Ours", "avg"] - t3["DoRA", "avg"], "gain over DoRA")
PAPER.states("4.2", "1.5", t3["Ours", "avg"] - t3["FT", "avg"], "gain over full fine-tuning")
PAPER.best("4.2", t3, list(t3.rows), ["avg"], "Ours")
PAPER.least("4.2", t3["LoRA", "avg"], t3["FT", "avg"], "LoRA's average is above full fine-tuning's")

t4 = PAPER.table("table4", key="method rank")
plain, inside, adaptive = "sin(w0 BA)x", "sin(w0 BAx)", "sin(w0 sigma(Wx) BAx)"
for r in (16, 32):
    for column in ("CR_avg", "inf_speed_its"):
        PAPER.least("4.3, inside preserves accuracy and improves speed", t4[f"{inside} {r}", column],
                    t4[f"{plain} {r}", column], f"{column} at rank {r}", conclusion="it is lower inside")  # fmt: skip
    PAPER.least("4.3", t4[f"{plain} {r}", "mem_GB"], t4[f"{inside} {r}", "mem_GB"], f"inside needs less memory at {r}")
    rows = t4.where(rank=str(r))
    PAPER.best("4.3, consistent gains", t4, rows, ["CR_avg", "GSM8K", "MATH"], f"{adaptive} {r}")
    for method, name in ((plain, "Sine LoRA"), (adaptive, "AdaSine-LoRA")):
        row, at = f"{method} {r}", f"{name} {r}"
        PAPER.same("Tables 4 and 1", f"average of {at}", t4[row, "CR_avg"], t1[at, "avg"])
        PAPER.same("Tables 4 and 2", f"GSM8K of {at}", t4[row, "GSM8K"], t2[at, "GSM8K"])
        PAPER.same("Tables 4 and 2", f"MATH of {at}", t4[row, "MATH"], t2[at, "MATH"])

t5 = PAPER.table("table5", key="method freq_mapping rank dim")
for r in ("16", "32"):
    linear, sine = f"AdaSine LoRA Linear {r} /", f"Sine LoRA / {r} /"
    PAPER.same("Tables 5 and 1", f"parameters, {r}", t5[linear, "params_M"], t1[f"AdaSine-LoRA {r}", "params_M"])
    PAPER.same("Tables 5 and 1", f"parameters, {r}", t5[sine, "params_M"], t1[f"Sine LoRA {r}", "params_M"])
    PAPER.same("Tables 5 and 4", f"iterations per second at {r}", t5[linear, "inf_speed_its"],
               t4[f"{adaptive} {r}", "inf_speed_its"],
               settings=({"data": "CommonsenseQA", "rank": r}, {"data": "SIQA", "rank": r}))  # fmt: skip
    for row in t5.where(rank=r, freq_mapping="MLP"):
        PAPER.least("A.3.2, MLP reduces speed", t5[linear, "inf_speed_its"], t5[row, "inf_speed_its"], f"against {row}")
        PAPER.least("A.3.2, MLP adds parameters", t5[row, "params_M"], t5[linear, "params_M"], f"{row} against linear")
        dim, depth = int(t5.rows[row]["dim"]), int(t5.rows[row]["layer"])
        weights = response_parameters(LLAMA, MODULES) * dim + 32 * len(MODULES) * (dim * dim * (depth - 2) + dim)
        more = t5[row, "params_M"] - t5[sine, "params_M"]
        PAPER.same("Table 5", f"weights of {row}: each module's input to dim, dim x dim between, to one number",
                   more, exact(weights) / 10**6)  # fmt: skip

pairs = [(t5[f"AdaSine LoRA Linear {r} /", "acc"], t5[row, "acc"])
         for r in ("16", "32") for row in t5.where(rank=r, freq_mapping="MLP")]  # fmt: skip
PAPER.most("A.3.2, in most cases, Table 5", pairs, "the linear map is above the MLP")
PAPER.table("table6", key="method")  # formulas: no number to check
t7 = PAPER.table("table7", key="method rank")
PAPER.means(t7, REASON, "avg", words={"DoRA 16": average(7, "85.01", "85.08 instead of 85.01 for DoRA at 16")})
for r in ("16", "32"):
    PAPER.best("A.3.4, outperforms baselines", t7, t7.where(rank=r), ["avg"], f"AdaSine-LoRA {r}")
t8 = PAPER.table("table8", key="method")
PAPER.means(t8, REASON, "avg")
PAPER.best("A.3.4, the best overall", t8, list(t8.rows), ["avg"], "Ours (r=16)")
PAPER.best("A.3.4, fewer parameters", t8, list(t8.rows), ["params_M"], "Ours (r=16)", low=True)
for column in (*REASON, "avg", "params_M"):
    PAPER.same("Tables 8 and 1", f"{column} of AdaSine at 16", t8["Ours (r=16)", column], t1["AdaSine-LoRA 16", column])
for name, n in ITEMS.items():
    for table in (t1, t7, t8):
        PAPER.granularity(table, name, n, source=f"the public {'test' if name == 'OBQA' else 'validation'} split")
for name, n in (("ARC-e", 2376), ("ARC-c", 1172)):
    for table in (t1, t7, t8):
        PAPER.granularity(table, name, n, source="the public test split")
for name, n in (("HumanEval", 164), ("MBPP", 500), ("GSM8K", 1319), ("MATH", 5000)):
    PAPER.granularity(t2, name, n, source="the public test split")
for table, columns in ((t1, REASON), (t2, TASKS), (t7, REASON), (t8, REASON)):
    PAPER.endings(table, columns, ITEMS | {"HumanEval": 164, "MBPP": 500, "GSM8K": 1319, "MATH": 5000})
# where the two differ 13 averages are rounded and 3 are cut: neither is established
for table, columns in ((t1, REASON), (t2, TASKS), (t3, SIGHT), (t7, REASON)):
    PAPER.rounding(table, columns, "avg")
