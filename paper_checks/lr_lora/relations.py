"""How the numbers of the LR-LoRA paper hang together."""

from rankkit.reported import Paper, exact, lora_parameters, mean, total

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
    PAPER.best(
        "4.2, strongest non-adaptive", t1, ["NoLA", "VeRA", "LoRA", "SineLoRA", "RandLoRA"], [setting], "RandLoRA"
    )

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
for row in ("LoRA", "SineLoRA", "RandLoRA"):
    for column in ("attention_std", "mlp_std"):
        PAPER.states("4.4, nearly tripling", "3", t4["LR-LoRA", column] / t4[row, column], f"{column} over {row}'s")

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
for low, high, columns in (
    ("3.5", "4.2", ("HS", "WG")),
    ("2.1", "2.8", ("ARC-e", "OBQA")),
    ("2.4", "3.1", ("SIQA", "PIQA")),
):
    for column in columns:
        gains = [t6[row, column] - t6[row.replace("LR-LoRA", "LoRA"), column] for row in t6.where(method="LR-LoRA")]
        PAPER.covers("B.1, Table 6", low, high, [mean(gains)], f"mean gain over LoRA in {column} lies in the range")

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
for column, model in (("Qwen2", "Qwen2-0.5B"), ("LLaMA3", "Llama-3-8B")):
    count = lora_parameters(model, SEVEN, 16)
    PAPER.result(
        t25, "LoRA", column, exact(count), "r (m + n) at rank 16 of q, k, v, o, gate, up, down", basis="reading"
    )

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
for n in ("32", "64"):
    PAPER.same(
        "Tables 15 and 3", f"accuracy at N = {n}", t15[n, "accuracy"], t3[f"Grid resolution (N) N = {n}", "accuracy"]
    )
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
PAPER.same("Tables 19 and 7", "parameter overhead, Qwen2-0.5B", t7["Qwen2-0.5B", "overhead_pct"],
           t19["All Components", "param_overhead_pct"])  # fmt: skip
t20 = PAPER.table("table20", key="strategy")
PAPER.monotone("4.4, Table 20", t20.column("accuracy"), "sharing more costs accuracy", falling=True)
t21 = PAPER.table("table21", key="perturbation")
for row in t21.rows:
    PAPER.least("Table 21", t21[row, "best"], t21[row, "worst"], f"best and worst of {row}")
t22 = PAPER.table("table22", key="size")
for row in t22.rows:
    more = t22[row, "lrlora_gain"] * 100 / t22[row, "lora_gain"] - 100
    PAPER.result(t22, row, "rel_improve_pct", more, "gain over LoRA's gain in percent")
    PAPER.least(
        "4, C, loss at most 2 %, Table 22", t22[row, "throughput_pct"], 98, row, conclusion="more than 2 % is lost"
    )
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
for column in memory.columns[1:4]:
    PAPER.result(
        memory, "Total training", column, total(memory.column(column, list(memory.rows)[:5])), "sum of the parts"
    )
    share = memory["Transfer functions", column] * 100 / memory["Total training", column]
    PAPER.result(
        memory, "LR-LoRA overhead", column, share, "transfer functions in percent of the total", basis="reading"
    )
    least = transfer(*MODULES[column]) * 2
    PAPER.least("Memory table", memory["Transfer functions", column], least, f"2 N |L| numbers of 2 bytes, {column}")
PAPER.same("Memory table and Table 24", "GB of LR-LoRA at rank 16, Qwen2", t24["LR-LoRA (r = 16)", "Qwen2_mem_GB"],
           memory["Total training", "Qwen2-0.5B"] / 10**9)  # fmt: skip
t26, t27 = PAPER.table("table26", key="method"), PAPER.table("table27", key="architecture")
PAPER.same("Tables 24 and 26", "tokens a second of LoRA at 16, Qwen2", t24["LoRA ( r = 16 )", "Qwen2_tok_s"],
           t26["LoRA r=16", "tok_s"])  # fmt: skip
for row in t27.rows:
    for column, unit in (("speed_pct", "tok_s"), ("mem_pct", "mem_GB")):
        more = t27[row, f"lrlora_{unit}"] * 100 / t27[row, f"lora_{unit}"] - 100
        PAPER.result(t27, row, column, more, f"LR-LoRA over LoRA in percent, {unit}")
costs = PAPER.table("overhead_appC", key="backbone")
for row in costs.rows:
    product = costs["Qwen2-0.5B", "bound_pct"] * costs["Qwen2-0.5B", "bs"] / costs[row, "bs"]
    PAPER.result(costs, row, "bound_pct", product, "the bound falls as 1 / (b s)", basis="reading")
    PAPER.least("4.2 and C, within the bound", costs[row, "bound_pct"], costs[row, "throughput_delta_pct"] * -1, row)
for table, columns in ((t2, GLUE), (t6, REASON)):
    PAPER.endings(table, columns)
PAPER.endings(t1, SETTINGS)
