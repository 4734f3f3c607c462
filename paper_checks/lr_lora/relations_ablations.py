"""What the LR-LoRA paper says of its ablations, against their tables."""

from rankkit.reported import Paper, exact, said

PAPER = Paper("lr_lora", __file__)
t3, t12 = PAPER.table("table3", key="group configuration"), PAPER.table("table12", key="rank")
t13, t14 = PAPER.table("table13", key="basis"), PAPER.table("table14", key="strategy")
t15, t17 = PAPER.table("table15", key="N"), PAPER.table("table17", key="omega_init")
t18, t20 = PAPER.table("table18", key="size alpha_init"), PAPER.table("table20", key="strategy")
t21, t23 = PAPER.table("table21", key="perturbation"), PAPER.table("table23", key="strategy")
FULL = t3["main LR-LoRA (full)", "accuracy"]

DROPS = {f"{row}, Table 20": t20[row, "accuracy"] - FULL for row in list(t20.rows)[1:]}
DROPS |= {f"omega init {row}, Table 17": t17[row, "accuracy"] - FULL for row in t17.rows}
DROPS |= {f"{row}, Table 18": t18[row, "accuracy"] - FULL for row in t18.where(size="0.5B")}
DROPS |= {f"N = {row}, Table 15": t15[row, "accuracy"] - FULL for row in ("8", "16")}
DROPS |= {f"{row}, Table 23": t23[row, "accuracy"] - FULL for row in ("Attention only", "MLP only")}
PAPER.extreme(
    said(
        "4.3 | is directly attributable to learning ω and is the largest single-factor degradation in our ablations",
        "Table 3 | -1.3",
        defence="It is the largest in Table 3.",
        fails="The sentence is about the ablations, which section F extends; single factors cost up to -4.2 there.",
        changes="the largest degradation in Table 3; sharing the amplitudes costs -2.3, omega = 0.1 costs -3.0",
        weight="conclusion",
    ),
    t3["Bandwidth learning Fixed \\omega", "vs_best"],
    DROPS,
    "the largest loss of accuracy by one factor",
    low=True,
)
PAPER.held(
    said(
        "4.3 | Joint ±50% perturbation of all hyperparameters (N, I, ω_0) changes accuracy by at most",
        "5 | is robust to ±50% joint perturbation (Section F)",
        "Table 21 | ω init ±50%",
        defence="Rows for one hyperparameter each may stand for a joint one.",
        fails="Table 21 perturbs one thing a row; N and I are in none, and the printed -0.8 ± 0.6 is the row of omega.",
        changes="robust to a perturbation of the initial omega; no joint experiment is reported",
        weight="conclusion",
    ),
    ["N, I and omega jointly", "N ±50%", "I ±50%"],
    list(t21.rows),
    "perturbations of Table 21",
)
PAPER.setting(
    said(
        "4.3 | changes accuracy by at most",
        "Table 21 | 69.8",
        defence="The bound may be on the mean change, which is -0.8 at most.",
        fails="The worst configuration of the same row has 69.8, which is 1.6 below the default.",
        changes="at most -0.8 on average, and -1.6 in the worst configuration",
        weight="number",
    ),
    ["at most -0.8", "71.4 to 69.8 in the worst configuration: -1.6"],
    "the largest change of accuracy under perturbation",
    measured=False,
)
PAPER.setting(
    said(
        r"Table 21 | \alpha init ±50%",
        "4.1 | are initialized to zero",
        "Table 18 | Small-start",
        left_open="around which start, and whether 50 % is relative: half of the default of 0 is 0, and Table 18 has "
        "others",
    ),
    ["alpha starts at 0: 50 % more or less is 0", "accuracy changes by -0.3 ± 0.4"],
    "the perturbation of the initial amplitude",
    undecided=True,
)
PAPER.setting(
    said(
        "Table 21 | Std Dev",
        "Table 21 | -0.8 ± 0.6",
        left_open="what the two spreads are over",
    ),
    [f"± {t21.rows[row]['change_pm']}" for row in list(t21.rows)[:2]]
    + [t21.rows[row]["std_dev"] for row in list(t21.rows)[:2]],
    "spread of a change, in two columns of Table 21",
    undecided=True,
)
SINGLE = "under a single-seed ablation protocol"
for table, words, column in (
    (t3, f"Table 3 | {SINGLE}", "std"),
    (t12, "Table 12 | This is a focused single-seed ablation on a fixed task subset", "LR-LoRA_std"),
    (t14, "F | tables in this section share a single-seed ablation harness", "std"),
):
    PAPER.runs(
        said(
            words,
            f"{table.label} | ± {table.rows[next(iter(table.rows))][column]}",
            defence="The spread may be over tasks, or over items.",
            fails="No table says so, and Tables 1 and 2 define the same sign as the deviation over 3 seeds.",
            left_open="what the spread is over",
            changes="what ± means in the ablations, or how many seeds they have",
            weight="number",
        ),
        1,
        table.column(column),
        f"spreads of {table.label}" + (", and of Tables 13, 15 to 20 and 23" if table is t14 else ""),
    )
PAPER.setting(
    said(
        "E.1 | We run all experiments with the following seeds: {42, 123, 456}",
        "F | tables in this section share a single-seed ablation harness",
        defence="'All' may mean the main experiments.",
        fails="It is the appendix on all hyperparameters, and section F follows it.",
        changes="three seeds for the main results, one for the ablations",
        weight="number",
    ),
    ["three seeds in all experiments", "a single seed in the ablations"],
    "number of seeds",
)
PAPER.setting(
    said(
        "A | All appendix results and analyses use LR-LoRA exactly as defined in Sections 3 and 3.3 and the "
        "experimental "
        "protocol in Section 4",
        "F | share a single-seed ablation harness whose absolute accuracy scale differs",
        left_open="whether the protocol of section 4 includes the ablation harness, which Table 3 refers to",
    ),
    ["the protocol of section 4", "another harness"],
    "protocol of the appendix",
    undecided=True,
)
HARNESS = said(
    "F | All results are presented as task-average accuracy according to the common ablation protocol",
    "F | tables in this section share a single-seed ablation harness",
    "Table 13 | on Qwen2-0.5B commonsense reasoning",
    "Table 14 | on Qwen2-0.5B",
    defence="Another rank or a subset of tasks may have been used in one of them.",
    fails="The text says one harness for the tables of the section, and neither names a rank or a subset. No rank "
    "makes up for it: from 4 to 64 LR-LoRA has 58.1 to 62.8 in Table 12.",
    left_open="the rank and the tasks of Tables 13 and 14",
    changes="the accuracy of LR-LoRA by default in one of the tables",
    weight="number",
)
PAPER.same("Tables 13 and 14", "LR-LoRA by default on Qwen2-0.5B", t13["Sinc", "accuracy"], t14["Uniform", "accuracy"],
           words=HARNESS)  # fmt: skip
PAPER.setting(
    said(
        "F | tables in this section share a single-seed ablation harness",
        "Table 12 | on a fixed task subset",
        "Table 3 | LoRA baseline",
        left_open="Table 12 is on a subset of the tasks, which is not named",
    ),
    ["LoRA 67.8 in Table 3", "LoRA " + ", ".join(f"{t12.rows[r]['LoRA']} at {r}" for r in t12.rows) + " in Table 12"],
    "LoRA on Qwen2-0.5B in one harness",
    undecided=True,
)
PAPER.setting(
    said(
        "F | tables in this section share a single-seed ablation harness",
        "Table 22 | absolute accuracy gains over that baseline",
        "Table 18 | 8B",
        left_open="whether the 8B model of Table 18 is LLaMA3-8B or Phi-3-8B",
    ),
    [f"{t18.rows['8B 0.0']['accuracy']} at 8B in Table 18", "74.3 + 5.1 = 79.4 on LLaMA3-8B in Table 22"],
    "accuracy of LR-LoRA by default at 8B",
    undecided=True,
)
PAPER.setting(
    said(
        "Table 22 | is the matched-protocol LoRA-equivalent baseline",
        "Table 22 | are absolute accuracy gains over that baseline",
        defence="'LoRA-equivalent' may mean the model without adaptation.",
        fails="By the caption LoRA gains 2.1 to 4.0 points over a baseline that is equivalent to it.",
        changes="what the base accuracy of Table 22 is",
        weight="number",
    ),
    ["the baseline is equivalent to LoRA", "LoRA gains +2.1 to +4.0 over it"],
    "the baseline of Table 22",
)
PAPER.setting(
    said(
        "Table 19 | Deltas are computed against the no-adaptation LoRA-equivalent baseline (67.8)",
        "Table 3 | LoRA baseline",
        defence="Without adaptation the model may score as with LoRA.",
        fails="Table 3 calls the same 67.8 the LoRA baseline, and LoRA is an adaptation.",
        changes="what 67.8 is the accuracy of",
        weight="number",
    ),
    ["no adaptation: 67.8", "LoRA: 67.8"],
    "what has the accuracy 67.8",
)
PAPER.setting(
    said(
        "4.4 | comparing each restricted setting to LoRA at the same placement (Table 19 and Section F.3.1)",
        "Table 19 | Deltas are computed against the no-adaptation LoRA-equivalent baseline (67.8)",
        defence="LoRA at both placements may have the same accuracy.",
        fails="+1.1 and +1.9 are 68.9 and 69.7 less one number, 67.8, which is not LoRA at either placement.",
        changes="the gains are over one common baseline, and superadditivity was not tested at equal placement",
        weight="conclusion",
    ),
    ["over LoRA at the same placement", "over a baseline of 67.8 without adaptation"],
    "what the gains +1.1 and +1.9 are over",
)
PAPER.setting(
    said(
        "Table 23 | LR-LoRA applied to the listed layer/module subset, with standard LoRA on the unrestricted modules",
        "Table 23 | 0.90M",
        left_open="whether the count is of the listed subset alone; with LoRA elsewhere 1.77M or more train in "
        "every row",
    ),
    ["LoRA on all other modules: at least 1.77M", "0.90M, 1.20M, 0.40M, 1.39M"],
    "parameters of the restricted strategies",
    undecided=True,
)
PAPER.setting(
    said(
        "Table 23 | LR-LoRA applied to the listed layer/module subset, with standard LoRA on the unrestricted modules",
        "Table 23 | 0.78x",
        "C | the throughput decreases by at most 2%",
        defence="The time may be of the listed subset alone, or end at convergence.",
        fails="A run has one time, and by E.1 each trains for 3 epochs. With LoRA on all other modules it can be "
        "faster by no more than LoRA is than LR-LoRA, which is 2 % at most.",
        changes="the training times of Table 23, or what its other modules train",
        weight="number",
    ),
    ["at least 0.98 of the time, with LoRA elsewhere", "0.78 to 0.92 of it"],
    "training time with LR-LoRA on a part of the modules",
)
PAPER.setting(
    said(
        "3.3 | B-splines (the simplest non-periodic alternative) score close behind, while the periodic Fourier basis "
        "underperforms",
        "3.3 | consistent with the periodicity argument above",
        "Table 13 | Polynomial",
        defence="The spline is above the Fourier basis, as the sentence says.",
        fails="It is 1.3 behind the sinc and 0.6 above Fourier; RBF is nearer, and the polynomial, which is not "
        "periodic, is the lowest.",
        changes="the order of Table 13 does not go by periodicity",
        weight="conclusion",
    ),
    ["the periodic basis underperforms, splines are close behind",
     ", ".join(f"{name} {t13.rows[name]['accuracy']}" for name in t13.rows)],
    "accuracy of the bases and their periodicity",
    measured=False,
)  # fmt: skip
PAPER.held(
    said(
        "F.2.1 | conduct a comparative analysis of fixed versus learned bandwidths",
        "F.2.1 | As demonstrated in Table 17",
        defence="The fixed bandwidth is in Table 3.",
        fails="Table 17 is named for it, and all five of its rows learn the bandwidth from another start.",
        changes="F.2.1 refers to Table 3 for the fixed bandwidth",
    ),
    ["fixed bandwidth"],
    [f"learned from {row}" for row in t17.rows],
    "fixed and learned bandwidths in Table 17",
)
PAPER.setting(
    said(
        "F.1.5 | learned and randomized grids do not consistently surpass the structured alternatives",
        "Table 16 | 72.1",
        defence="The random grid does not, and the learned one is less stable.",
        fails="The learned grid has the highest accuracy of the table, above both structured ones.",
        changes="the learned grid is the most accurate and less stable, the random one is the least accurate",
        weight="conclusion",
    ),
    ["learned grids do not surpass structured ones", "learned 72.1, Chebyshev 71.8, uniform 71.4"],
    "accuracy of a learned grid",
    measured=False,
)
PAPER.held(
    said(
        "4.1 | All values of (N, I, ω_0) and complete ablations are in Sections F and F.1 to F.4",
        "3.3 | We analyze the effect of the grid size and number of grid points in Section 4",
        defence="The interval may be held fixed because it matters little, and 'complete' may mean complete for N and "
        "omega_0.",
        fails="The sentence names I among the values that section F has. N is varied in Table 15 and omega_0 in Table "
        "17; section F neither varies I nor prints its value, 3, which stands in 4.1 and Table 10.",
        changes="ablations of N and omega_0, not of I",
        weight="conclusion",
    ),
    ["N", "I", "omega_0"],
    ["N", "omega_0"],
    "hyperparameters that are varied",
)
PAPER.held(
    said(
        "4.3 | more stable rank allocation than small random initialization, particularly in low-data regimes "
        "(Section F)",
        "F.2.2 | We examined the initialization and scaling of",
        defence="The result may be left out, or be meant of the stability in Table 18.",
        fails="Section F is named for it. Its Tables 18 and 21 vary the initialization at one amount of data, and none "
        "of its tables has a rank of an update.",
        changes="a table on initialization and rank by amount of data is needed",
        weight="conclusion",
    ),
    ["initialization by amount of data", "allocation of rank by initialization"],
    ["initialization by size (Table 18)", "perturbed initialization (Table 21)"],
    "results on initialization in section F",
)
# sharing over modules

SHARED = said(
    "E.2 | The transfer-function parameter count follows",
    "3.3 | we treat the parameters",
    "Table 20 | Param Reduction",
    defence="The reduction may be of something else than the 2 N |L| parameters; the grid points may be a third number "
    "of each basis function.",
    fails="Of all adapter parameters it would be below 1 %. Of 2 N |L|, amplitudes and bandwidths are half each and "
    "grid points none: near 50, 50, 0 and together 100 %. With grid points counted it is a third each: 33, 33, 33 and "
    "99 %. The printed reductions of the three parts add up to 100 %, where Share All has 80 %.",
    changes="the reductions of Table 20",
    weight="number",
)
halves = 168
for row, parts in (("Share \\{x_i\\}", 0), ("Share \\omega", 1), ("Share \\{\\alpha_i\\}", 1), ("Share All", 2)):
    value = exact(-50 * parts * (halves - 1), f"-{50 * parts} * {halves - 1}") / halves
    PAPER.result(t20, row, "param_reduction_pct", value, "share of 2 N |L| that one set for all 168 modules saves",
                 basis="reading", words=SHARED)  # fmt: skip
PAPER.setting(
    said(
        "Table 13 | Performance across different basis functions with equal parameter counts",
        r"Table 13 | \cos(\omega_i x + \phi_i)",
        left_open="whether the phases of the Fourier basis are trained, or fewer basis functions are used",
    ),
    ["two numbers a basis function", "three with the phase"],
    "parameters of the Fourier basis",
    undecided=True,
)
