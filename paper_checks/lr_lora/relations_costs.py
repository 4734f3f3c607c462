"""What the LR-LoRA paper says of its models, parameters, time and memory, against its tables."""

from rankkit.reported import Paper, exact, lora_parameters, magnitude_parameters, parse, said

PAPER = Paper("lr_lora", __file__)
SEVEN = ("q", "k", "v", "o", "gate", "up", "down")
t2, t6 = PAPER.table("table2", key="model method"), PAPER.table("table6", key="model regime method rank_or_bases")
t7, t22 = PAPER.table("table7", key="architecture"), PAPER.table("table22", key="size")
t24, t25 = PAPER.table("table24", key="method"), PAPER.table("table25", key="method")
t27, costs = PAPER.table("table27", key="architecture"), PAPER.table("overhead_appC", key="backbone")

# models and tasks

PAPER.announced(
    said(
        "Table 1 | Evaluation across three model scales (Qwen2-0.5B, Phi-3-8B, LLaMA3-8B)",
        defence="Two models of 8B may differ a little in size.",
        fails="The names give 0.5B and twice 8B: three models, at two scales.",
        changes="three models at two scales",
    ),
    3,
    ["0.5B", "8B"],
    "scales of the models in Table 1",
)
PAPER.announced(
    said(
        "1 | across 7 architectures spanning 125M to 13B parameters, 19 tasks, and four evaluation paradigms",
        "Table 22 | Pythia-1.4B, Pythia-2.8B, LLaMA3-8B, LLaMA3-13B",
        left_open="what counts as an architecture; by families there are 7, by models 10",
    ),
    7,
    ["Qwen2-0.5B", "Phi-3-8B", "LLaMA3-8B", "LLaMA3-13B", "RoBERTa-base", "RoBERTa-large", "Pythia-1.4B", "Pythia-2.8B",
     "CLIP ViT-B/32", "DINOv2 ViT-B/14"],
    "architectures",
    partial=True,
)  # fmt: skip
PAPER.announced(
    said(
        "1 | 19 tasks, and four evaluation paradigms (commonsense reasoning, GLUE transfer, vision transfer, and "
        "instruction tuning)",
        left_open="whether MT-Bench is counted; without it there are 19",
    ),
    19,
    ["BoolQ", "PIQA", "SIQA", "HellaSwag", "WinoGrande", "ARC-e", "ARC-c", "OBQA", "SST-2", "MRPC", "CoLA", "QNLI",
     "RTE", "STS-B", "ImageNet-1k", "CIFAR-100", "Flowers102", "SUN397", "Oxford-IIIT Pets", "MT-Bench"],
    "tasks",
    partial=True,
)  # fmt: skip
PAPER.setting(
    said(
        "1 | consistently outperforms strong PEFT baselines under approximately matched parameter budgets",
        "Table 6 | 0.05",
        defence="For LoRA, SineLoRA and RandLoRA the budgets are matched.",
        fails="NoLA and VeRA, which Table 1 compares too, train 0.004 to 0.06 % where LR-LoRA trains 0.7 to 2.33 %.",
        changes="matched budgets for LoRA, SineLoRA and RandLoRA alone",
        weight="conclusion",
    ),
    ["approximately matched budgets", "0.05 and 0.06 % against 2.33 % on Qwen2"],
    "budgets of the baselines",
    measured=False,
)
PAPER.setting(
    said(
        "Table 6 | All methods adapt the same module set and use the same rank r",
        "Table 6 | VeRA1024",
        defence="Ranks of random bases may be called bases.",
        fails="The rows are VeRA1024, RandLoRA-5 and LoRA-32: their numbers differ, and section 4 matches r "
        "across methods.",
        changes="LoRA and LR-LoRA use the same rank",
        weight="number",
    ),
    ["the same rank in all methods", "1024, 10 or 5, and 16 or 32"],
    "ranks of the methods",
)
PAPER.setting(
    said(
        "E.1 | attention {query, key, value, output} and MLP {gate, up, down} projections",
        "D.1 | adapters targeting attention QKV projections and MLP layers",
        defence="QKV may stand for attention.",
        fails="E.1 says that the placement is the same for each backbone, with the output projection; D.1 leaves "
        "it out.",
        changes="the placement on CLIP",
        weight="number",
    ),
    ["query, key, value, output", "query, key, value"],
    "adapted attention modules",
)
PAPER.setting(
    said(
        "E.2 | transfer parameters for an",
        "Table 7 | 7.2k",
        left_open="RoBERTa has no gate; with six modules a layer 7.2k is right",
    ),
    ["700 a layer: 8.4k for 12 layers", "7.2k"],
    "transfer parameters of RoBERTa-base",
    undecided=True,
)

# parameters

PAPER.linear(
    said(
        "Table 2 | 0.7M",
        "Table 25 | 1.03M",
        "4.2 | using identical adapted modules and identical tuning grids across methods",
        defence="The two tables may adapt different modules of RoBERTa-base.",
        fails="Both say the same module set across methods, and r (m + n) grows fourfold from r = 4 to r = 16.",
        left_open="whether the module sets of the two tables are the same",
        changes="2.7M at r = 16, or 0.26M at r = 4",
        weight="number",
    ),
    {4: t2["RoBERTa-base LoRA-4", "params_M"], 16: t25["LoRA", "RoBERTa"] / 10**6},
    "LoRA's parameters on RoBERTa-base, in millions, with the rank",
)
for column, name, size, model in (("Qwen2", "Qwen2", "494M", "Qwen2-0.5B"), ("LLaMA3", "LLaMA3", "8B", "Llama-3-8B")):
    share = t6[f"{name} 15k LoRA 16", "pct_params"]
    words = said(
        f"Table 6 | {share.text}",
        f"Table 25 | {t25.rows['LoRA'][column]}",
        f"I | {'24 layers, 494M parameters' if column == 'Qwen2' else '32 layers, 8B parameters'}",
        defence="The share may be of another set of modules or of a smaller model.",
        fails="Both are LoRA at r = 16 with one module set, and the size of the model is printed.",
        changes="the count of Table 25 or the share of Table 6",
        weight="number",
    )
    PAPER.same("Tables 25 and 6", f"LoRA's parameters at r = 16 on {column}", t25["LoRA", column],
               share * parse(size) / 100, words=words)  # fmt: skip
    count = lora_parameters(model, SEVEN, 16)
    whole = 494032768 if column == "Qwen2" else 8030261248
    PAPER.result(
        t6, f"{name} 15k LoRA 16", "pct_params", exact(100 * count, f"100 * {count}") / (whole + count),
        "share of r (m + n) of q, k, v, o, gate, up, down", basis="reading",
        words=said(
            f"Table 6 | {share.text}",
            "E.1 | attention {query, key, value, output} and MLP {gate, up, down} projections",
            defence="The share may leave out some modules.",
            fails="E.1 names seven for all methods; the printed share is met by five, without output and gate.",
            changes=f"{'1.75' if column == 'Qwen2' else '0.52'} % instead of {share.text} %",
            weight="number",
        ),
    )  # fmt: skip
vera = magnitude_parameters("Llama-3-8B", SEVEN) + 16 * 7 * 32
PAPER.result(
    t25, "VeRA", "LLaMA3", exact(vera, f"{vera - 3584} + 3584"), "VeRA's one number an output, and r for each module",
    basis="reading",
    words=said(
        "Table 25 | 0.26M",
        "Table 25 | All methods used rank r = 16 and the same adapted module set",
        "Table 6 | 0.014",
        defence="VeRA may have had another rank or fewer modules.",
        left_open="VeRA's formula is a fact from outside the paper: the method trains r numbers a module, and one an "
        "output",
        fails="Table 25 has one number for four models of 125M to 8B, whose outputs differ; at any rank the "
        "seven modules "
        "of LLaMA3 need 1.38M, and 0.014 % of 8B in Table 6 is 1.1M.",
        changes="the count of VeRA on LLaMA3",
        weight="number",
    ),
)  # fmt: skip
for row, other in (("Phi3 {} LR-LoRA 64", "LR-LoRA-64 on Phi-3"), ("LLaMA3 {} RandLoRA {}", "RandLoRA-60 on LLaMA3")):
    first, second = (row.format(g, "60") for g in ("15k", "170k"))
    PAPER.same("Table 6", f"share of parameters of {other} with 15k and with 170k", t6[first, "pct_params"],
               t6[second, "pct_params"])  # fmt: skip
for size, name, count, whole in (
    ("125M (RoBERTa-base)", "RoBERTa-base", t7["RoBERTa-base", "transfer_k"] * 1000, "125M"),
    ("8B (LLaMA3-8B)", "LLaMA3-8B", t7["LLaMA3-8B", "transfer_k"] * 1000, "8B"),
):
    PAPER.same(
        "Tables 22 and 7", f"parameter overhead on {name}", t22[size, "param_overhead_pct"],
        count * 100 / parse(whole),
        words=said(
            "Table 22 | Param Overhead",
            f"Table 7 | {t7.rows[name]['transfer_k']}k",
            defence="The overhead may be relative to LoRA's parameters instead of the model's.",
            fails=f"Relative to these it is {t7.rows[name]['overhead_pct']} % by Table 7; neither gives Table 22.",
            left_open="what the overhead of Table 22 is relative to",
            changes="the overheads of Table 22",
            weight="number",
        ),
    )  # fmt: skip

# time and memory

PAPER.atmost(
    said("4 | training-time overhead over LoRA is", "C | the throughput decreases by at most 2%", "Table 22 | 97.8%"),
    parse("2"),
    {row: exact(100) - t22[row, "throughput_pct"] for row in t22.rows},
    "percent of LoRA's throughput that are lost",
)
PAPER.atmost(
    said(
        "G.1 | LR-LoRA introduces negligible memory overhead (< 1%) compared to LoRA baseline",
        "Table 27 | +1.1%",
        defence="A bound of 1 % may be rounded.",
        fails="Table 27 prints +1.1 % for LLaMA3-8B, and 18.4 GB of 18.2 GB.",
        changes="at most 1.1 %",
        weight="number",
    ),
    parse("1.0"),
    {row: t27[row, "mem_pct"] for row in t27.rows},
    "percent of memory over LoRA's",
    strict=True,
)
for name, row in (("LLaMA3-8B", "8B (LLaMA3-8B)"), ("RoBERTa-base", "125M (RoBERTa-base)")):
    PAPER.setting(
        said(
            "Table 22 | is the LR-LoRA training throughput as a fraction of the LoRA training throughput",
            f"Table 27 | {t27.rows[name]['speed_pct']}%",
            left_open="rank and batch size of both tables, and whether they are one measurement",
        ),
        [f"{t22.rows[row]['throughput_pct']} %",
         f"{t27.rows[name]['lrlora_tok_s']} of {t27.rows[name]['lora_tok_s']} tokens a second"],
        f"throughput on {name} in percent of LoRA's",
        undecided=True,
    )  # fmt: skip
# on Phi-3-8B the batches differ, 8 and 16
loss = t24["LR-LoRA (r = 32)", "Qwen2_tok_s"] * 100 / t24["LoRA ( r = 32 )", "Qwen2_tok_s"] - 100
PAPER.setting(
    said(
        "C | For our experimental settings",
        "C | -0.5%",
        "Table 24 | LR-LoRA (r = 32)",
        left_open="whether r = 32 is meant for the bound alone, and the measurement is that of r = 16 or of another "
        "run",
    ),
    [f"{costs.rows['Qwen2-0.5B']['throughput_delta_pct']} %", f"2975 of 2980, {float(loss.value):.2f} %, in Table 24"],
    "throughput change at r = 32 on Qwen2-0.5B",
    undecided=True,
)
PAPER.setting(
    said(
        "C | The closed-form bound matches measured throughput within the natural range",
        "4.2 | well below the closed-form bound due to backbone amortization",
        defence="A bound may match in order of magnitude.",
        fails="By the same table it is 2 to 4 times the measured loss, which 4.2 calls well below.",
        changes="the bound is 2 to 4 times the measured loss",
    ),
    ["matches", "well below"],
    "measured throughput against the bound",
    measured=False,
)
PAPER.setting(
    said(
        "C | per step, independent of batch size",
        "C | The dominant added cost relative to LoRA’s backward is therefore the",
        defence="The first may be meant for the forward pass alone.",
        fails="It is called the per-step adapter cost, and 4.2 the per-step overhead, with the backward analysis "
        "cited.",
        changes="the overhead does not fall as 1 / (b s): the backward pass adds a term of the backbone's own order",
        weight="conclusion",
    ),
    ["O(mn (r + N)) a step, whatever b and s", "O(mn b s) in the backward pass dominates"],
    "added cost of a training step",
)
PAPER.setting(
    said(
        "4.1 | Batch sizes are 16, 8, and 4 for Qwen2-0.5B, Phi-3-8B, and LLaMA3-8B, respectively",
        "Table 10 | 4 (8B)",
        defence="Table 10 may name the smallest.",
        fails="Phi-3-8B is 8B by its name and trains with 8.",
        changes="the batch sizes of Table 10",
    ),
    ["8 for Phi-3-8B", "4 for 8B"],
    "batch size of Phi-3-8B",
)
PAPER.setting(
    said(
        "Table 24 | Sequence length 512, batch size 16, mixed precision (fp16), gradient checkpointing enabled",
        "C | Phi-3-8B",
        "C | empirical measurements in Table 24 show that the peak memory increases by at most",
        defence="The -0.7 % of section C may have been measured with 8, and be the same by chance.",
        fails="Section C names Table 24 for its measurements, whose 1132 over 1140 is the same -0.7 %; Table 24 has "
        "batch size 16, the row of section C has b = 8.",
        changes="the batch size of Phi-3-8B in Table 24 or in section C",
        weight="number",
    ),
    ["16", "8"],
    "batch size of the throughput on Phi-3-8B",
)
PAPER.setting(
    said(
        "Table 24 | mixed precision (fp16)",
        "Table 10 | bf16",
        "Table 10 | Unless explicitly varied in the ablations, the LR-LoRA runs used the settings below",
        defence="The measurement of Table 24 may be of other runs than the training.",
        fails="Table 10 gives the settings of all LR-LoRA runs but ablations, and section E.1 says that it lists every "
        "deviation in precision; Table 24 has LR-LoRA runs on the same task.",
        changes="the precision of one of the tables",
        weight="number",
    ),
    ["fp16", "bf16"],
    "precision of the training of language models",
)
PAPER.setting(
    said("Table 10 | fixed", "Table 10 | Warmup ratio", left_open="a fixed rate may follow a warmup"),
    ["a fixed learning rate", "a warmup over 0.10 of the steps"],
    "schedule of the learning rate for language models",
    undecided=True,
)
PAPER.setting(
    said(
        "5 | together with quantization and inference-time merging, remain open",
        "4.2 | is precomputed and merged into",
        defence="Merging of quantized models, or of several adapters, may be what is open.",
        fails="The list has quantization and merging as two things, and three sections say that merging is done.",
        changes="inference-time merging is not open",
        weight="conclusion",
    ),
    ["inference-time merging remains open", "merged at inference, with zero overhead"],
    "merging at inference",
)
