"""What the AdaSine paper says in one place, against what it says or tabulates in another."""

from math import floor

from rankkit.reported import Paper, said

PAPER = Paper("adasine_lora", __file__)
REASON = ("BoolQ", "PIQA", "SIQA", "HS", "WG", "ARC-e", "ARC-c", "OBQA")
TASKS = ("GSM8K", "MATH", "HumanEval", "MBPP", "Xsum_rouge1", "Xsum_rougeLsum")
SIGHT = ("VQAv2", "GQA", "VisWiz", "SQA", "VQAT", "POPE", "MMBench")
t1, t2 = PAPER.table("table1", key="method rank"), PAPER.table("table2", key="method rank")
t3, t8 = PAPER.table("table3", key="method"), PAPER.table("table8", key="method")


def wins(table, columns):
    """Return AdaSine's cells against the best other cell of their rank."""
    return {
        f"{column} at {r}": (
            table[f"AdaSine-LoRA {r}", column],
            max((table[row, column] for row in table.where(rank=str(r)) if "Ada" not in row), key=lambda c: c.value),
        )
        for r in (8, 16, 32)
        for column in columns
    }


# words on results

for table, columns in ((t1, REASON), (t2, TASKS)):
    lost = "PIQA, SIQA, HS and others" if table is t1 else "GSM8K and XSum at some ranks"
    PAPER.every(
        said(
            "4.1 | Across all benchmark datasets, AdaSine-LoRA consistently outperforms vanilla LoRA and its variants",
            f"{table.label} | AdaSine-LoRA",
            defence="On the average of the benchmarks it does, at every rank.",
            fails="The sentence is about all benchmark datasets, and on some of them a variant is above it.",
            changes=f"the best average at every rank; DoRA or Sine variants are above it on {lost}",
            weight="conclusion",
        ),
        wins(table, columns),
        f"AdaSine is not below the best other method, {table.label}",
        readings={"averages at every rank": wins(table, ["avg"])},
        literal=True,
    )
PAPER.every(
    said(
        "4.2 | Across most benchmarks, AdaSine-LoRA consistently surpasses all LoRA variants and FT",
        "Table 3 | 68.0",
        defence="Against each other method by itself it is above on 4 to 6 of 7 benchmarks.",
        fails="It surpasses all of them on VisWiz, POPE and MMBench: 3 of 7, which is not most.",
        changes="the best average, and the best of all methods on three benchmarks of seven",
        weight="conclusion",
    ),
    {
        f"{column} against {row}": (t3["Ours", column], t3[row, column])
        for column in SIGHT
        for row in t3.rows
        if row != "Ours"
    },
    "AdaSine is not below any other method, by benchmark",
)
PAPER.every(
    said(
        "A.3.4 | AdaSine-LoRA consistently achieves the best performance while using substantially fewer trainable "
        "parameters",
        "Table 8 | achieves the best overall performance across tasks",
        defence="It has the best average, which the caption calls best overall.",
        fails="On BoolQ, PIQA, HellaSwag and WinoGrande another row is above it: the best on 4 of 8, not consistently.",
        changes="the best average, and the best of four tasks of eight",
        weight="conclusion",
    ),
    {
        column: (t8["Ours (r=16)", column],
                 max((t8[row, column] for row in t8.rows if row != "Ours (r=16)"), key=lambda c: c.value))
        for column in REASON
    },
    "AdaSine is not below the best other method",
    readings={"average": {"avg": (t8["Ours (r=16)", "avg"], t8["GOATFan et al. (2025)", "avg"])}},
    literal=True,
)  # fmt: skip
PAPER.held(
    said(
        "A.3.4 | delivers more than a 2× speedup during both training and inference compared to existing non-mergeable "
        "counterparts",
        "Table 8 | Comparison with dynamic and conditional LoRA variants",
        left_open="the speed of LoRAMoE, HydraLoRA and GOAT is in no table or figure",
    ),
    ["training speed", "inference speed"],
    ["params_M", *REASON, "avg"],
    "columns for the speedup against the methods of Table 8",
    partial=True,
)
PAPER.setting(
    said(
        "4.2 | we extend our experiments to larger model settings by applying visual instruction tuning on VLMs",
        "4.2 | Our experiments are carried out on LLaVA-1.5-7B",
        "4.1 | by fine-tuning LLaMA 3-8B",
        defence="The setting is larger: a vision tower is added, and the data are another kind.",
        fails="By its name the model has 7B, and LLaMA 3-8B has 8B; the public model with its tower has 7.1 billion.",
        changes="another kind of model, not a larger one",
    ),
    ["larger model settings, 7B", "8B"],
    "size of the models in 4.1 and 4.2",
    measured=False,
)
PAPER.setting(
    said(
        "1 | the sine function ... ability to approximate high-rank behavior without additional parameters",
        "1 | effectively enhancing model expressiveness while adding only minimal parameters",
        left_open="'only minimal' may include none; Table 1 prints the same count for LoRA and Sine LoRA",
    ),
    ["no additional parameters", "only minimal parameters are added"],
    "parameters of the sine with a fixed frequency",
    undecided=True,
)

# data and settings


def whole(name, n):
    """Say how many of a column's cells are whole counts of n items."""
    cells = t1.column(name)
    return f"{sum(floor(c.rounded[1] * n / 100) * 100 >= c.rounded[0] * n for c in cells)} of {len(cells)} ({n} items)"


# name -> items of the validation and of the official test set
COUNTED = {"BoolQ": (3270, 3245), "PIQA": (1838, 3084), "SIQA": (1954, 2224), "WG": (1267, 1767)}
PAPER.setting(
    said(
        "4.1 | evaluations are performed separately on the official test sets of each benchmark",
        "Table 1 | 89.66",
        defence="The benchmark's customary test files may be called its official test sets.",
        fails="In four columns nearly every cell is a whole count of the validation set's items, and few are of the "
        "official test set's; no cell of ARC-c is a whole count of its 1172 official test questions.",
        left_open="which files were used; the sizes are facts from outside the paper, those of the public data sets",
        changes="the evaluation of these tasks is on other items than the official test sets",
        weight="number",
    ),
    ["whole counts of the official test set: " + ", ".join(f"{t} {whole(t, n)}" for t, (_, n) in COUNTED.items())
     + f", ARC-e {whole('ARC-e', 2376)}, ARC-c {whole('ARC-c', 1172)}",
     "of the validation set: " + ", ".join(f"{t} {whole(t, n)}" for t, (n, _) in COUNTED.items())],
    "the items that the accuracies count",
)  # fmt: skip
PAPER.setting(
    said(
        "2.3 | Models are trained and evaluated on GSM8K",
        "4.1 | we fine-tune the model on the MetaMath-40K",
        left_open="whether Figure 4 uses the models of 4.1",
    ),
    ["trained on GSM8K", "trained on MetaMath-40K"],
    "training data of the models that are evaluated on GSM8K",
    undecided=True,
)
PAPER.setting(
    said(
        "3 | our final adaptive update rule is",
        "A.3.4 | inside the sine function, where d denotes the input dimension",
        left_open="whether equation 8 is meant without the factors of an implementation",
    ),
    ["1/g sin(omega_0 sigma(W x) B A x), with g the root of the number of rows", "a factor 1/sqrt(d) inside the sine"],
    "scaling of the update",
    undecided=True,
)
PAPER.setting(
    said(
        "4.3 | “Mem. (GB)” refers to the training memory in gigabytes",
        "4.3 | These values were measured during model evaluation",
        left_open="'these values' may be the speed alone, and 'model evaluation' may mean these experiments",
    ),
    ["training memory", "measured during evaluation"],
    "what the memory of Table 4 is",
    undecided=True,
)
PAPER.setting(
    said(
        "4.3 | Subfigure (b) compares the actual training time of each method on the XSum dataset",
        "Figure 7 | End-to-end training time (in hours) for four representative methods on the XSum "
        "summarization dataset",
        left_open="'each method' may be each of those in the subfigure; (a) has five",
    ),
    ["each method: five", "four representative methods"],
    "methods of Figure 7 (b)",
    undecided=True,
)
PAPER.announced(
    said(
        "Figure 13 | under different rank settings across two tasks",
        "Figure 13 | Loss curves on Code Alpaca (r = 32) and Code Alpaca (r = 16)",
        defence="The two panels may be called two tasks.",
        fails="Both panels are on Code Alpaca and differ in the rank alone.",
        changes="two ranks on one task",
    ),
    2,
    ["Code Alpaca"],
    "tasks of Figure 13",
)
PAPER.setting(
    said(
        "A.3.4 | persist across different task types, including summarization and mathematical reasoning",
        "A.3.4 | we present additional training loss curves on Code Alpaca",
        "Figure 6 | Loss curves on MetaMath (rank = 8)",
        defence="The results in the main text are included.",
        fails="They are on MetaMath, which is mathematical reasoning; no loss curve is of summarization.",
        changes="code and mathematical reasoning",
        weight="conclusion",
    ),
    ["summarization and mathematical reasoning", "curves on MetaMath and Code Alpaca"],
    "task types whose loss curves are shown",
    measured=False,
)

# the method in words

PAPER.setting(
    said(
        "3 | then lift it via",
        "4.3 | and applying sine only after dimensionality has been reduced",
        "A.3.3 | our design applies the non-linearity directly on the compact low-rank projection",
        defence="A vector of d outputs is smaller than a d x k matrix, which may be the reduction.",
        fails="It is no low-rank projection: by section 3, A x in r dimensions is lifted to d before the sine.",
        changes="the sine is applied to all d outputs",
        weight="conclusion",
    ),
    ["to B A x, in d dimensions", "after the reduction, to a compact projection"],
    "what the sine is applied to",
    measured=False,
)
PAPER.setting(
    said(
        "3 | (b, l, d) , identical to standard LoRA, thereby retaining its efficiency",
        "A.3.3 | where b is batch size, l is sequence length, o is output dimension, and d is the hidden dimension",
        defence="'od' may be one symbol, the output dimension, as in Table 6.",
        fails="The sentence spells out o and d as two dimensions, whose product is larger than (b, l, d) by a factor.",
        changes="memory is O(b l d) with d outputs",
    ),
    ["b l d", "b l o d, with o the outputs and d the hidden dimension"],
    "memory of the largest activation",
)
PAPER.setting(
    said(
        "A.3.3 | The overall complexity remains nearly the same as standard LoRA",
        "Table 6 | Memory and computation complexity comparison of LoRA variants",
        defence="The rank may be left out as a constant.",
        fails="Table 6 has it for LoRA, and for AdaSine a further term od r id, which the formula has not.",
        changes="the formula of A.3.3, or the two rows of Table 6",
    ),
    ["b l id + b l od", "LoRA: b l id r + b l r od; AdaSine: b l id + od r id + b l r od + b l od"],
    "complexity of AdaSine in A.3.3 and in Table 6",
    measured=False,
)
PAPER.setting(
    said(
        "3 | we first obtain the low-rank projection",
        r"Table 6 | od \\cdot r \\cdot id".replace("\\\\", "\\"),
        defence="The term may stand for an implementation that forms B A once.",
        fails="By section 3 A x is formed first, at b l id r, which the row lacks; od r id is the cost of the "
        "matrix B A, whose product with x then costs b l id od, and not b l r od.",
        changes="the row of AdaSine in Table 6: b l id r + b l r od + b l od + b l id",
        weight="number",
    ),
    ["A x first, then B (A x): b l id r + b l r od", "B A: od r id"],
    "the low-rank product of AdaSine, in section 3 and in Table 6",
)
PAPER.setting(
    said(
        "A.3.3 | both of which are element-wise operations and do not incur matrix multiplications",
        "3 | we predict a scalar frequency via a trainable linear transformation",
        defence="A product with a single row is cheap.",
        fails="omega(x) = W_omega x is a matrix product over all tokens, 1 x k times k, and not element-wise.",
        changes="the frequency costs b l id, as in Table 6",
    ),
    ["element-wise, without matrix multiplication", "omega(x) = W_omega x"],
    "how the frequency is computed",
)
PAPER.setting(
    said(
        "4.3 | in methods like SineLoRA which propagate large",
        r"Table 6 | \mathcal{O}(\max(b \cdot l \cdot od, od \cdot id))",
        defence="'Methods like SineLoRA' may include those with a frequency for each input.",
        fails="SineLoRA is named, its frequency is fixed, and Table 6 has one matrix od x id for it, without b l.",
        changes="SineLoRA forms one matrix a layer, not one a token",
        weight="number",
    ),
    ["d x k tensors per token", "one od x id matrix a layer"],
    "tensors of SineLoRA",
)
PAPER.setting(
    said(
        "Figure 9 | Darker regions indicate reduced pairwise directional similarity",
        "Figure 9 | the very small values lead to a heatmap that appears nearly white",
        left_open="whether the panel that is nearly white shows similarities, and on the scale of the others",
    ),
    ["small similarity is dark", "very small values appear nearly white"],
    "colours of Figure 9",
    undecided=True,
)
PAPER.setting(
    said(
        "A.2.2 | it strictly increases the attainable numerical rank",
        "A.2.2 | this intuition supports the strict inequality stated in the second part of the proposition",
        defence="An intuition may be part of a proof.",
        fails="The step that ends in the strict inequality is called intuition, and the conclusion says that it holds.",
        changes="the strict part is a conjecture",
        weight="conclusion",
    ),
    ["strictly increases", "an intuition supports it"],
    "how the strict inequality is shown",
    measured=False,
)
PAPER.setting(
    said(
        "A.2.2 | leads to higher attainable numerical rank than using a fixed global frequency",
        "A.2.2, Step 3 | Define the input-wise optimal frequency in terms of the output responses",
        "A.2.2, Remark | there does not exist a single global frequency",
        defence="The rank may be meant of the outputs of many inputs together.",
        fails="The proposition is about the matrix sin(omega(x) M). Step 3 and the remark print the rank of "
        "sin(omega M x) for one x, a vector, whose numerical rank is 0 or 1.",
        changes="step 3 and the remark are not about the rank of the proposition",
        weight="conclusion",
    ),
    ["the rank of the matrix sin(omega(x) M)", "the rank of the vector sin(omega M x)"],
    "what has the rank, in the proposition and in its step 3",
)
PAPER.setting(
    said(
        "1 | We provide theoretical analysis linking the frequency parameter to the effective rank",
        "A.2.1 | While it provides useful intuition, it remains an approximation",
        left_open="an approximation may count as theoretical analysis",
    ),
    ["theoretical analysis", "useful intuition, an approximation"],
    "the analysis of rank and frequency",
    undecided=True,
)
PAPER.setting(
    said(
        "2.3 | the average rank initially grows linearly with increasing frequency",
        "A.2.1 | can be approximated by a sigmoid-shaped curve",
        defence="'Sigmoid-shaped' may mean a curve that saturates.",
        fails="The formula printed with it, 1 - exp(-x), is steepest at the start and has no inflection.",
        changes="a saturating exponential",
    ),
    ["linear from the start, then saturating", "sigmoid-shaped"],
    "how the rank grows with the frequency",
    measured=False,
)
PAPER.setting(
    said(
        "2.3 | frequency is not just a secondary factor, but a critical component of the adaptation mechanism",
        "4.3 | AdaSine-LoRA is not particularly sensitive to the choice of",
        left_open="one sentence is on a fixed frequency, the other on the bound of an adaptive one",
    ),
    ["critical", "not particularly sensitive"],
    "how much the frequency matters",
    undecided=True,
)
PAPER.listed(
    said(
        "4.1 | vanilla LoRA, its variants DoRA and Sine-LoRA, and our proposed AdaSine-LoRA",
        "Table 1 | Sine DoRA",
        left_open="whether the sentence is meant to list every method",
    ),
    ["LoRA", "Sine LoRA", "DoRA", "AdaSine-LoRA"],
    sorted({cells["method"] for cells in t1.rows.values()}),
    "methods of Table 1",
    partial=True,
)
PAPER.held(
    said(
        "4.1 | Additional training configurations and hyperparameters are detailed in the Appendix",
        "A.3.4 | For commonsense reasoning tasks, we train the model for one epoch",
        left_open="the settings of the other tasks may be the same; their learning rate and epochs are not printed",
    ),
    ["commonsense reasoning", "mathematics", "code", "summarization"],
    ["commonsense reasoning"],
    "tasks whose learning rate and epochs are in the appendix",
    partial=True,
)
