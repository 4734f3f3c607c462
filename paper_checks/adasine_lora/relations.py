"""How the numbers of the AdaSine paper hang together."""

from rankkit.reported import Paper, exact, lora_parameters, magnitude_parameters, response_parameters

PAPER = Paper("adasine_lora", __file__)
REASON = ("BoolQ", "PIQA", "SIQA", "HS", "WG", "ARC-e", "ARC-c", "OBQA")
TASKS = ("GSM8K", "MATH", "HumanEval", "MBPP", "Xsum_rouge1", "Xsum_rougeLsum")
SIGHT = ("VQAv2", "GQA", "VisWiz", "SQA", "VQAT", "POPE", "MMBench")
ITEMS = dict(zip(REASON, (3270, 1838, 1954, 10042, 1267, 2376, 1172, 500), strict=True))
FIVE, LLAMA = ("q", "k", "v", "up", "down"), "Llama-3-8B"
# q, k and v read one input
INPUTS = ("q", "up", "down")


def parameters(method: str, rank: int):
    """Count what the method trains in Llama-3-8B, in millions."""
    more = 0
    if "DoRA" in method:
        more = magnitude_parameters(LLAMA, FIVE)
    elif "Ada" in method:
        more = response_parameters(LLAMA, INPUTS)
    return exact(lora_parameters(LLAMA, FIVE, rank) + more) / 10**6


t1 = PAPER.table("table1", key="method rank")
t2 = PAPER.table("table2", key="method rank")
PAPER.means(t1, REASON, "avg", within=["rank"])
PAPER.deltas(t1, "delta", "avg", lambda row: f"LoRA {row.split()[-1]}")
PAPER.means(t2, TASKS, "avg", within=["rank"])
for table, columns in ((t1, REASON), (t2, TASKS)):
    for row, cells in table.rows.items():
        PAPER.result(table, row, "params_M", parameters(cells["method"], int(cells["rank"])),
                     "r (m + n) of q, k, v, up, down; DoRA: a magnitude per output; AdaSine: a weight per input",
                     basis="reading")  # fmt: skip
    for r in ("8", "16", "32"):
        PAPER.best(
            "Abstract, 4.1, on all benchmarks", table, table.where(rank=r), [*columns, "avg"], f"AdaSine-LoRA {r}"
        )
for r, printed in ((8, "4.25"), (16, "4.51"), (32, "3.63")):
    PAPER.states("4.1", printed, t1[f"AdaSine-LoRA {r}", "avg"] - t1[f"LoRA {r}", "avg"], f"gain over LoRA at {r}")
for row in t2.rows:
    PAPER.same("Tables 1 and 2", f"parameters of {row}", t1[row, "params_M"], t2[row, "params_M"])
peak = {r: t1.cells(f"LoRA {r}", REASON) for r in (8, 16, 32)}
for r in (8, 32):
    PAPER.most("Observation 2, Table 1", list(zip(peak[16], peak[r], strict=True)), f"LoRA at 16 is above LoRA at {r}")
    PAPER.least("Observation 2, Table 1", t1["LoRA 16", "avg"], t1[f"LoRA {r}", "avg"], f"on average, 16 above {r}")

t3 = PAPER.table("table3", key="method")
PAPER.means(t3, SIGHT, "avg")
PAPER.states("4.2", "0.4", t3["Ours", "avg"] - t3["DoRA", "avg"], "gain over DoRA")
PAPER.states("4.2", "1.5", t3["Ours", "avg"] - t3["FT", "avg"], "gain over full fine-tuning")
PAPER.best("4.2", t3, list(t3.rows), ["avg"], "Ours")
others = [max((t3[row, name] for row in t3.rows if row != "Ours"), key=lambda cell: cell.value) for name in SIGHT]
PAPER.most("4.2, across most benchmarks, Table 3", list(zip(t3.cells("Ours", SIGHT), others, strict=True)), "the best")
PAPER.least("4.2", t3["LoRA", "avg"], t3["FT", "avg"], "LoRA's average is above full fine-tuning's")

t4 = PAPER.table("table4", key="method rank")
plain, inside, adaptive = "sin(w0 BA)x", "sin(w0 BAx)", "sin(w0 sigma(Wx) BAx)"
for r in (16, 32):
    for column in ("CR_avg", "GSM8K", "MATH", "inf_speed_its"):
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
    PAPER.same("Tables 5 and 4", f"iterations per second of AdaSine at {r}", t5[linear, "inf_speed_its"],
               t4[f"{adaptive} {r}", "inf_speed_its"])  # fmt: skip
    PAPER.same("Tables 5 and 4", f"iterations per second of Sine LoRA at {r}", t5[sine, "inf_speed_its"],
               t4[f"{plain} {r}", "inf_speed_its"])  # fmt: skip
    for row in t5.where(rank=r, freq_mapping="MLP"):
        PAPER.least("A.3.2, MLP reduces speed", t5[linear, "inf_speed_its"], t5[row, "inf_speed_its"], f"against {row}")
        PAPER.least("A.3.2, MLP adds parameters", t5[row, "params_M"], t5[linear, "params_M"], f"{row} against linear")


pairs = [(t5[f"AdaSine LoRA Linear {r} /", "acc"], t5[row, "acc"])
         for r in ("16", "32") for row in t5.where(rank=r, freq_mapping="MLP")]  # fmt: skip
PAPER.most("A.3.2, in most cases, Table 5", pairs, "the linear map is above the MLP")
PAPER.table("table6", key="method")  # formulas: no number to check
t7 = PAPER.table("table7", key="method rank")
PAPER.means(t7, REASON, "avg")
for r in ("16", "32"):
    PAPER.best("A.3.4, outperforms baselines", t7, t7.where(rank=r), [*REASON, "avg"], f"AdaSine-LoRA {r}")
t8 = PAPER.table("table8", key="method")
PAPER.means(t8, REASON, "avg")
PAPER.best("A.3.4, consistently the best", t8, list(t8.rows), [*REASON, "avg"], "Ours (r=16)")
PAPER.best("A.3.4, fewer parameters", t8, list(t8.rows), ["params_M"], "Ours (r=16)", low=True)
for column in (*REASON, "avg", "params_M"):
    PAPER.same("Tables 8 and 1", f"{column} of AdaSine at 16", t8["Ours (r=16)", column], t1["AdaSine-LoRA 16", column])
for name, n in ITEMS.items():
    for table in (t1, t7, t8):
        PAPER.granularity(table, name, n, source="the public test split")
for name, n in (("HumanEval", 164), ("MBPP", 500), ("GSM8K", 1319), ("MATH", 5000)):
    PAPER.granularity(t2, name, n, source="the public test split")
for table, columns in ((t1, REASON), (t2, TASKS), (t7, REASON), (t8, REASON)):
    PAPER.endings(table, columns)
