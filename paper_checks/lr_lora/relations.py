"""How the numbers of the LR-LoRA paper hang together."""

from rankkit.reported import Paper, exact, lora_parameters, mean, parse, said, total

PAPER = Paper("lr_lora", __file__)
REASON = ("BoolQ", "PIQA", "SIQA", "HS", "WG", "ARC-e", "ARC-c", "OBQA")
GLUE = ("SST-2", "MRPC", "CoLA", "QNLI", "RTE", "STS-B")
SETTINGS = ("Qwen2_15k", "Qwen2_170k", "Phi3_15k", "Phi3_170k", "LLaMA3_15k", "LLaMA3_170k")
SEVEN = ("q", "k", "v", "o", "gate", "up", "down")
# name -> layers and adapted modules a layer
MODULES = {"Qwen2-0.5B": (24, 7), "Phi-3-8B": (32, 7), "LLaMA3-8B": (32, 7), "RoBERTa-base": (12, 6)}


def transfer(layers: int, modules: int):
    """Return 2 N of every module at N = 50."""
    return exact(2 * 50 * layers * modules, f"2 * 50 * {layers} * {modules}")


t1 = PAPER.table("table1", key="method")
for setting, lora, rand in zip(SETTINGS, ("3.54", "3.71", "3.56", "2.34", "2.90", "2.98"),
                               ("2.99", "3.19", "1.57", "2.08", "4.68", "2.63"), strict=True):  # fmt: skip
    PAPER.states("4.2, Table 1", lora, t1["LR-LoRA", setting] - t1["LoRA", setting], f"gain over LoRA, {setting}")
    PAPER.states("4.2, Table 1", rand, t1["LR-LoRA", setting] - t1["RandLoRA", setting], f"over RandLoRA, {setting}")
    PAPER.best("4.2", t1, list(t1.rows), [setting], "LR-LoRA")

t2 = PAPER.table("table2", key="model method")
PAPER.means(t2, GLUE, "avg", within=["model"])
for model, gain, cola, rte in (("RoBERTa-base", "1.8", "3.3", "1.6"), ("RoBERTa-large", "1.1", "2.1", "1.7")):
    rows = t2.where(model=model)
    PAPER.best("4.2", t2, rows, [*GLUE, "avg"], f"{model} LR-LoRA-4")
    others = [row for row in rows if "LR-LoRA" not in row]
    for column, printed in (("avg", gain), ("CoLA", cola), ("RTE", rte)):
        cells = [t2[row, column] for row in others]
        over = t2[f"{model} LR-LoRA-4", column] - max(cells, key=lambda cell: cell.value)
        PAPER.states("4.2, Table 2", printed, over, f"gain of {model} in {column} over the best other")

t3 = PAPER.table("table3", key="group configuration")
for row in t3.rows:
    for column, base in (("vs_lora", "baseline LoRA baseline"), ("vs_best", "main LR-LoRA (full)")):
        if not t3[row, column].doubt:
            PAPER.result(t3, row, column, t3[row, "accuracy"] - t3[base, "accuracy"], f"difference to {base}")
t4 = PAPER.table("table4", key="method")
PAPER.best("4.4", t4, list(t4.rows), ["attention", "mlp"], "LR-LoRA")
for row in ("SineLoRA", "RandLoRA"):
    PAPER.covers("4.4", "1.3", "1.6", t4.cells(row, ["attention_std", "mlp_std"]), f"spread of {row}")
ratios = [t4["LR-LoRA", column] / t4[row, column]
          for row in ("LoRA", "SineLoRA", "RandLoRA") for column in ("attention_std", "mlp_std")]  # fmt: skip
PAPER.states("B.3, nearly tripling", "3", mean(ratios), "mean of the six ratios of LR-LoRA's spread to another's")

t5 = PAPER.table("table5", key="backbone")
for model in ("Qwen2-0.5B", "LLaMA3-8B"):
    for column in t5.columns[2:]:
        PAPER.result(t5, f"delta over LoRA {model}", column, t5[model, column] - t5[model, "LoRA"], "gain over LoRA")

t6 = PAPER.table("table6", key="model regime method rank_or_bases")
PAPER.means(t6, REASON, "avg", within=["model", "regime"])
PAPER.deltas(t6, "delta", "avg", lambda row: row.replace("LR-LoRA", "LoRA"))
for row, cells in t6.rows.items():
    model, regime, method = cells["model"], cells["regime"], cells["method"]
    if regime != "Zero-shot" and (method in ("NoLA", "VeRA") or cells["rank_or_bases"] == "32"):
        PAPER.same("Tables 6 and 1", f"average of {row}", t6[row, "avg"], t1[method, f"{model}_{regime}"])

t7 = PAPER.table("table7", key="architecture")
t25 = PAPER.table("table25", key="method")
for row, column in zip(t7.rows, t25.columns[1:], strict=True):
    PAPER.result(t7, row, "transfer_k", transfer(*MODULES[row]) / 1000, "2 N a module, N = 50, in thousands")
    whole = t7[row, "lora_M"] + t7[row, "transfer_k"] / 1000
    PAPER.result(t7, row, "total_M", whole, "LoRA and transfer parameters, in millions")
    share = t7[row, "transfer_k"] / t7[row, "lora_M"] / 10
    PAPER.result(t7, row, "overhead_pct", share, "transfer parameters in percent of LoRA's")
    PAPER.same("Tables 7 and 25", f"LoRA parameters of {row}", t7[row, "lora_M"] * 10**6, t25["LoRA", column])
    PAPER.same("Tables 7 and 25", f"parameters of {row}", t7[row, "total_M"] * 10**6, t25["LR-LoRA", column])
    PAPER.same("Tables 7 and 25", f"overhead of {row}", t7[row, "overhead_pct"], t25[list(t25.rows)[-1], column])
COUNTS = said(
    "Table 25 | All methods used rank r = 16 and the same adapted module set",
    "E.1 | attention {query, key, value, output} and MLP {gate, up, down} projections",
    defence="Another set of modules, or another rank, may have been used for the count.",
    fails="The caption says r = 16, and section E.1 names seven modules for each backbone; the public shapes of these "
    "give 5 and 2.4 times as many, and Table 6 prints a share that is far larger too.",
    changes="LoRA at r = 16 has 8.80M parameters on Qwen2-0.5B and 41.9M on LLaMA3-8B, and the overheads shrink",
    weight="number",
)
for column, model in (("Qwen2", "Qwen2-0.5B"), ("LLaMA3", "Llama-3-8B")):
    count = exact(lora_parameters(model, SEVEN, 16))
    what = "r (m + n) at rank 16 of q, k, v, o, gate, up, down"
    PAPER.result(t25, "LoRA", column, count, what, basis="reading", words=COUNTS)

for stem, place in (("table8", "D.1"), ("table9", "D.2")):
    table = PAPER.table(stem, key="dataset")
    data = [row for row in table.rows if row != "Average"]
    for column in table.columns[1:]:
        PAPER.result(table, "Average", column, mean(table.column(column, data)), "mean of the four data sets")
    for row in table.rows:
        for column in ("LoRA", "VeRA", "RandLoRA"):
            PAPER.least(f"{place}, {table.label}", table[row, "LR-LoRA"], table[row, column], f"{row}, above {column}")
    if place == "D.1":
        gains = [table[row, "LR-LoRA"] - table[row, "LoRA"] for row in data]
        PAPER.covers(place, "1.0", "1.3", gains, "gains over LoRA")
        PAPER.states(place, "1.2", mean(gains), "mean gain over LoRA")

t10 = PAPER.table("table10", key="component hyperparameter")
t11 = PAPER.table("table11", key="architecture component")
PAPER.same(
    "Table 10 and 4.3", "default number of grid points", t10["LR-LoRA ( \\phi ) Grid points N", "LLMs"], exact(50)
)
for row, cells in t11.rows.items():
    layers = MODULES[cells["architecture"]][0]
    PAPER.result(t11, row, "transfer", transfer(layers, 4 if cells["component"] == "Attention" else 3), "2 N a module")
    PAPER.result(t11, row, "total", t11[row, "lora"] + t11[row, "transfer"], "LoRA and transfer parameters")
    PAPER.result(t11, row, "overhead", t11[row, "transfer"] * 100 / t11[row, "lora"], "in percent of LoRA's")
PARTS = said(
    "Table 11 | Attention",
    "E.2 | attention parameters scale with the four standard attention projections (query, key, value, and output)",
    defence="Another rank may have been used for this table.",
    fails="The sums of each model's two counts, 1.77M and 17.2M, are those of Table 25 at r = 16. With the public "
    "shapes they are below r (m + n) by factors from 2.2 to 5.5, and no one rank meets two of them.",
    changes="the counts and overheads of Table 11",
    weight="number",
)
for row, model, modules in (
    ("Qwen2-0.5B Attention", "Qwen2-0.5B", SEVEN[:4]), ("Qwen2-0.5B MLP", "Qwen2-0.5B", SEVEN[4:]),
    ("LLaMA3-8B Attention", "Llama-3-8B", SEVEN[:4]), ("LLaMA3-8B MLP", "Llama-3-8B", SEVEN[4:]),
):  # fmt: skip
    what = f"r (m + n) at rank 16 of {', '.join(modules)}"
    PAPER.result(t11, row, "lora", exact(lora_parameters(model, modules, 16)), what, basis="reading", words=PARTS)
for name in ("Qwen2-0.5B", "Phi-3-8B", "LLaMA3-8B"):
    for column, other, scale in (("lora", "lora_M", 10**6), ("transfer", "transfer_k", 1000)):
        parts = total(t11.column(column, t11.where(architecture=name)))
        PAPER.same("Tables 7 and 11", f"{column} of {name}, parts and whole", t7[name, other] * scale, parts)

t12 = PAPER.table("table12", key="rank")
for row in t12.rows:
    PAPER.result(t12, row, "abs_gain", t12[row, "LR-LoRA"] - t12[row, "LoRA"], "difference")
    PAPER.result(t12, row, "rel_gain_pct", t12[row, "abs_gain"] * 100 / t12[row, "LoRA"], "gain in percent of LoRA's")
PAPER.monotone("4.2, Table 12", t12.column("abs_gain"), "the gain falls with the rank", falling=True)
t13 = PAPER.table("table13", key="basis")
PAPER.best("Table 13", t13, list(t13.rows), ["accuracy"], "Sinc")
t14, t16 = PAPER.table("table14", key="strategy"), PAPER.table("table16", key="strategy")
for row, other in (("Uniform", "Uniform"), ("Chebyshev", "Chebyshev"), ("Learned", "Adaptive"), ("Random", "Random")):
    PAPER.same("Tables 14 and 16", f"accuracy of {row}", t14[row, "accuracy"], t16[other, "accuracy"])
    PAPER.same(
        "Tables 14 and 16", f"utilization of {row}", t14[row, "utilization_pct"], t16[other, "utilization"] * 100
    )
t15 = PAPER.table("table15", key="N")
for row in t15.rows:
    share = t15["512", "params_pct"] * int(row) / 512
    PAPER.result(t15, row, "params_pct", share, "proportional to N")
PAPER.monotone("4.3, Table 15", t15.column("active_N"), "more are active at larger N")
GRID = said(
    "F | tables in this section share a single-seed ablation harness",
    "Table 3 | Absolute values use the appendix ablation harness",
    defence="A single seed may differ from one run to the next.",
    fails="Both tables are of one harness and one seed by the text, the same N, and the same task average.",
    left_open="which N the rows of 71.4 have: N = 32 in Tables 14 to 16, N = 50 in Table 3",
    changes="the accuracy at N = 32 and 64, and whether N = 50 is the best",
    weight="number",
)
for n in ("32", "64"):
    first, second = t15[n, "accuracy"], t3[f"Grid resolution (N) N = {n}", "accuracy"]
    PAPER.same("Tables 15 and 3", f"accuracy at N = {n}", first, second, words=GRID)
first, second = t14["Uniform", "accuracy"], t3["Grid resolution (N) N = 32", "accuracy"]
PAPER.same("Tables 14 and 3", "accuracy of a uniform grid with N = 32", first, second, words=GRID)
t17 = PAPER.table("table17", key="omega_init")
PAPER.best("4.3", t17, list(t17.rows), ["accuracy"], "1.0")
t18 = PAPER.table("table18", key="size alpha_init")
PAPER.monotone("Table 18", t18.column("final_alpha", t18.where(size="0.5B")), "final amplitude grows with its start")
t19 = PAPER.table("table19", key="components")
for column in ("param_overhead_pct", "memory_pct"):
    PAPER.result(t19, "All Components", column, t19["Attention Only", column] + t19["MLP Only", column], "both parts")
lora = t3["baseline LoRA baseline", "accuracy"]
both = t19["Attention Only", "accuracy"] + t19["MLP Only", "accuracy"] - lora * 2
PAPER.states("4.4, Table 19", "1.1", t19["Attention Only", "accuracy"] - lora, "gain of attention alone")
PAPER.states("4.4, Table 19", "1.9", t19["MLP Only", "accuracy"] - lora, "gain of MLP alone")
PAPER.least("4.4, superadditive, Table 19", t19["All Components", "accuracy"] - lora, both, "together above the sum")
OVERHEAD = said(
    "4.2 | additional adapter parameters",
    "Table 19 | +2.0%",
    "Table 7 | +0.95%",
    defence="Table 19 may count all adapter parameters, relative to the frozen model.",
    fails="At r = 16, the 1.79M of Table 23 with the same 71.4, that is 1.18 % by Table 6 and 0.36 % of 494M; the "
    "functions alone are +0.95 % of LoRA's in Tables 7, 15 and 25. No count of the paper gives +2.0 %.",
    left_open="what the overhead of Table 19 is relative to",
    changes="the overheads of Table 19",
    weight="number",
)
PAPER.same("Tables 19 and 7", "parameter overhead, Qwen2-0.5B", t7["Qwen2-0.5B", "overhead_pct"],
           t19["All Components", "param_overhead_pct"], words=OVERHEAD)  # fmt: skip
t20 = PAPER.table("table20", key="strategy")
PAPER.monotone("4.4, Table 20", t20.column("accuracy"), "sharing more costs accuracy", falling=True)
t21 = PAPER.table("table21", key="perturbation")
for row in t21.rows:
    PAPER.least("Table 21", t21[row, "best"], t21[row, "worst"], f"best and worst of {row}")
t22 = PAPER.table("table22", key="size")
for row in t22.rows:
    more = t22[row, "lrlora_gain"] * 100 / t22[row, "lora_gain"] - 100
    PAPER.result(t22, row, "rel_improve_pct", more, "gain over LoRA's gain in percent")
t23 = PAPER.table("table23", key="strategy")
halves = t23["Odd layers only", "params_M"] + t23["Even layers only", "params_M"]
PAPER.result(t23, "All layers", "params_M", halves, "odd and even layers")
parts = t23["Attention only", "params_M"] + t23["MLP only", "params_M"]
PAPER.result(t23, "All layers", "params_M", parts, "attention and MLP")
PAPER.same("Tables 23 and 7", "parameters", t23["All layers", "params_M"], t7["Qwen2-0.5B", "total_M"])

t24, memory = PAPER.table("table24", key="method"), PAPER.table("table24_memory", key="component")
for row in t24.rows:
    for model in ("Qwen2", "Phi3"):
        speed = t24[row, f"{model}_tok_s"] / t24["Frozen (inference)", f"{model}_tok_s"]
        PAPER.result(t24, row, f"{model}_relative", speed, "tokens a second over the frozen model's")
TINY = said(
    "Table 24, memory breakdown | LR-LoRA overhead",
    "Table 24, memory breakdown | Transfer function only",
    defence="Gradients and optimizer states may be counted with the transfer functions, or the share be of the "
    "adapters.",
    fails="The former make it four times as much, the latter 0.008 % at most; both together give 0.03 and 0.01 %, where"
    " 0.7 and 0.2 % are printed. These are the shares of 19.2 and 38.4 MB in the totals.",
    changes="the overhead in memory is below 0.003 %, which is better than printed",
    weight="number",
)
HELD = said(
    "C | persistent transfer-function parameters themselves occupy < 20 kB",
    "Table 24, memory breakdown | parameters",
    defence="A number may take a single byte.",
    fails="Training is in bf16 or fp16 by Tables 10 and 24, two bytes a number: 33.6 and 44.8 kB.",
    changes="33.6 kB on Qwen2-0.5B and 44.8 kB on the others",
    weight="number",
)
ADAPTERS = said(
    "C | MB of LoRA adapter memory on Qwen2-0.5B",
    "Table 24, memory breakdown | LoRA adapters",
    "Table 25 | 1.77M",
    defence="Memory of the adapters may include activations and copies.",
    fails="Optimizer states and gradients have rows of their own, and a number takes no 70 to 140 bytes.",
    changes="3.5 MB in two bytes on Qwen2-0.5B instead of 240 MB, or another count",
    weight="number",
)
for column in memory.columns[1:4]:
    PAPER.result(
        memory, "Total training", column, total(memory.column(column, list(memory.rows)[:5])), "sum of the parts"
    )
    share = memory["Transfer functions", column] * 100 / memory["Total training", column]
    what = "transfer functions in percent of the total"
    PAPER.result(memory, "LR-LoRA overhead", column, share, what, basis="reading", words=TINY)
    PAPER.memory(HELD, transfer(*MODULES[column]), memory["Transfer functions", column],
                 f"the 2 N |L| numbers of the transfer functions, {column}", least=2)  # fmt: skip
    count = parse({"Qwen2-0.5B": "1.77M", "Phi-3-8B": "14.7M", "LLaMA3-8B": "17.2M"}[column])
    PAPER.memory(ADAPTERS, count, memory["LoRA adapters", column], f"LoRA's numbers, {column}")
t26, t27 = PAPER.table("table26", key="method"), PAPER.table("table27", key="architecture")
BREAKDOWN = said(
    "Table 24, memory breakdown | Memory breakdown for LR-LoRA ( r = 16)",
    "Table 24 | LR-LoRA (r = 16)",
    defence="A sum of parts may exceed a peak if not all parts are alive at once.",
    fails="Base model, adapters and optimizer states are alive throughout; without the gradients they exceed it too.",
    left_open="the rank of Table 27, whose first two rows are those of Table 24 at r = 16",
    changes="the totals of the breakdown, or the memory of Tables 24 and 27",
    weight="number",
)
for what, first, column in (("Qwen2, Table 24", t24["LR-LoRA (r = 16)", "Qwen2_mem_GB"], "Qwen2-0.5B"),
                            ("Phi-3, Table 24", t24["LR-LoRA (r = 16)", "Phi3_mem_GB"], "Phi-3-8B"),
                            ("LLaMA3, Table 27", t27["LLaMA3-8B", "lrlora_mem_GB"], "LLaMA3-8B")):  # fmt: skip
    whole = memory["Total training", column] / 10**9
    PAPER.same("Memory table", f"GB of LR-LoRA at rank 16, {what}", first, whole, words=BREAKDOWN)
first, second = t24["LoRA ( r = 16 )", "Qwen2_tok_s"], t26["LoRA r=16", "tok_s"]
PAPER.setting(
    said(
        "G.1 | under a fixed protocol (batch size, sequence length, precision, and checkpointing were kept",
        "Table 24 | Memory usage and throughput measurements for Qwen2-0.5B and Phi-3-8B on commonsense reasoning",
        "Table 26 | throughput is tokens/sec during training",
        left_open="devices, precision, sequence length and checkpointing of Table 26; a fixed protocol may be one for "
        "all methods of a table",
    ),
    [f"{first.text} in Table 24", f"{second.text} in Table 26"],
    "tokens a second of LoRA at 16, Qwen2",
    undecided=True,
)
PAPER.same("Tables 24 and 27", "tokens a second of LoRA at 16, Qwen2", first, t27["Qwen2-0.5B", "lora_tok_s"])
for method, r in (("LoRA", 16), ("LR-LoRA", 16), ("LoRA", 32), ("LR-LoRA", 32)):
    PAPER.same("Tables 26 and 6", f"average accuracy of {method} at {r}", t26[f"{method} r={r}", "avg_accuracy"],
               t6[f"Qwen2 170k {method} {r}", "avg"])  # fmt: skip
for row in t27.rows:
    for column, unit in (("speed_pct", "tok_s"), ("mem_pct", "mem_GB")):
        more = t27[row, f"lrlora_{unit}"] * 100 / t27[row, f"lora_{unit}"] - 100
        PAPER.result(t27, row, column, more, f"LR-LoRA over LoRA in percent, {unit}")
costs = PAPER.table("overhead_appC", key="backbone")
for row in costs.rows:
    product = costs["Qwen2-0.5B", "bound_pct"] * costs["Qwen2-0.5B", "bs"] / costs[row, "bs"]
    PAPER.result(costs, row, "bound_pct", product, "the bound falls as 1 / (b s)", basis="reading")
    PAPER.least("4.2 and C, within the bound", costs[row, "bound_pct"], costs[row, "throughput_delta_pct"] * -1, row)
# where the two differ 28 averages are rounded and 9 are cut: neither is established
for table, columns in ((t2, GLUE), (t6, REASON)):
    PAPER.endings(table, columns, {"OBQA": 500} if table is t6 else None)
    PAPER.rounding(table, columns, "avg")
PAPER.endings(t1, SETTINGS)
