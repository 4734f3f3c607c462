"""What the LoRAN paper says in one place, against what it says or tabulates in another."""

from rankkit.reported import Paper, mean, parse, said

PAPER = Paper("loran", __file__)
SCORES = ("R1", "R2", "RL")
LARGE = ("Falcon-7B", "LLaMA-2-7B", "LLaMA-2-13B")
t1, t2, t7a = (
    PAPER.table("table1", key="model"),
    PAPER.table("table2", key="model"),
    PAPER.table("table7a", key="model"),
)
t4, t5, t6 = (
    PAPER.table("table4", key="function"),
    PAPER.table("table5", key="task metric"),
    PAPER.table("table6", key="method"),
)
t7b, t8 = PAPER.table("table7b", key="function"), PAPER.table("table8", key="model")
t9, t10 = PAPER.table("table9", key="model"), PAPER.table("table10", key="category")

# what is announced, and what follows

PAPER.announced(
    said(
        "Appendix | further grouped into five broader categories based on semantic similarity",
        "Table 10 | Broad and fine-grained categories in the 20 newsgroups task",
        defence="Two of the printed groups may be meant as one.",
        fails="Table 10 has a letter for each group, A to F.",
        changes="six broader categories instead of five",
    ),
    5,
    sorted({row["broad_as_ocr"] for row in t10.rows.values()}),
    "broader categories",
)
PAPER.announced(
    said("IV.C | We compare LoRAN under seven configurations"), 7, list(t4.rows), "activation functions in Table 4"
)
PAPER.announced(
    said(
        "IV.A | We evaluate LoRAN on two representative NLP tasks: the SAMSum dialogue summarization dataset",
        "IV.D | we apply it to RoBERTa-Large on the MRPC binary classification benchmark",
        left_open="whether the two are all tasks, or those of the main comparison",
    ),
    2,
    ["SAMSum", "20 Newsgroups", "MRPC"],
    "tasks of the evaluation",
    partial=True,
)
PAPER.announced(
    said(
        "IV.A | We use four foundation models—Flan-T5-Large [35], Falcon-7B [36], LLaMA-2-7B, and LLaMA-2-13B",
        "Table 6 | on the MRPC task with RoBERTa-Large",
        left_open="whether the four are all models, or those of the main comparison",
    ),
    4,
    ["Flan-T5-Large", "Falcon-7B", "LLaMA-2-7B", "LLaMA-2-13B", "RoBERTa-Large"],
    "foundation models",
    partial=True,
)
PAPER.setting(
    said(
        "I | and formally analyze how structured perturbations enhance low-rank updates",
        "IV.E | We conjecture that this structure imposes a regularized complexity bound",
        defence="An analysis may be formal without a theorem.",
        fails="Section IV.E has no statement with a proof, and what it says of complexity it calls a conjecture.",
        changes="a theoretical discussion instead of a formal analysis",
        weight="conclusion",
    ),
    ["a comprehensive theoretical and formal analysis", "a discussion that ends in a conjecture"],
    "the theory that is announced",
    measured=False,
)

# captions and columns

PAPER.held(
    said(
        "Table 6 | Comparison of FFT, QLoRAN and LoRAN methods on the MRPC task with RoBERTa-Large",
        "Table 6 | LoRA",
        defence="QLoRAN may be a slip for LoRA.",
        fails="It is the method the caption names; no row has it, and the row LoRA is not named.",
        changes="the caption of Table 6",
    ),
    ["QLoRAN"],
    list(t6.rows),
    "methods of the caption of Table 6",
)
PAPER.held(
    said(
        "Table 8 | Comparison of training loss of QLoRA and LoRAN methods on the SAMSum task",
        "IV.D | We further compare the training loss of QLoRA and LoRAN across all foundation models",
        left_open="whether the head is short for QLoRA, by IV.A the base unless otherwise specified, as LoRAN stands "
        "for its quantized form; Table 3 has (Q)LoRA for both",
    ),
    ["QLoRA"],
    list(t8.columns[1:]),
    "methods of the caption of Table 8",
    partial=True,
)
PAPER.listed(
    said(
        "Table 4 | Comparison of activation functions in the LoRAN method on the SAMSum task",
        "IV.C | as reported in Table 4, are obtained on the SAMSum task using the LLaMA-2-7B model",
        "Table 4 | Newsgroups",
        defence="The main task is named, and the second is in the head.",
        fails="Caption and text both say where the results are obtained, and a fourth column is of another task.",
        changes="the caption of Table 4 and the sentence on it name two tasks",
    ),
    ["SAMSum"],
    ["SAMSum", "Newsgroups"],
    "tasks of Table 4, in its caption and in its head",
)
PAPER.setting(
    said(
        "IV.D | We record the training loss variance of LoRA and LoRAN",
        "Table 7 | the performance variance of QLoRA (left) and LoRAN (right) across multiple runs",
        defence="A variance of the loss shows in the performance.",
        fails="A variance over epochs of a loss and one over runs of ROUGE are two quantities; Table 7's heads "
        "are ROUGE.",
        changes="what Table 7 measures, and with it what the paragraph concludes",
        weight="conclusion",
    ),
    ["variance of the training loss over epochs", "variance of ROUGE over runs"],
    "what the variance of Table 7 is of",
)
PAPER.held(
    said(
        "IV.D | LoRAN (with Swish-1, Swish-25, and Sinter) over training epochs on the SAMSum task across "
        "different models",
        "Table 7 | 0.043",
        defence="One model may stand for the others.",
        fails="The sentence says that it was recorded across models, and its next one cites Table 7 for them.",
        changes="the Swish functions were compared on LLaMA-2-7B, and the advice for large models has no row",
        weight="conclusion",
    ),
    ["Swish-1 on LLaMA-2-13B", "Swish-25 on LLaMA-2-13B"],
    [f"{name} on LLaMA-2-7B" for name in t7b.rows] + [f"Sinter on {name}" for name in t7a.rows],
    "variance of the functions across different models",
)

# words on results

PAPER.extreme(
    said(
        "III.C | demonstrates that Sinter outperforms all standard non-linearities in both classification and "
        "summarization tasks",
        "Table 4 | 78.24 indicates the best performance, and 77.78 indicates the second best",
        defence="In summarization it does, and in classification it is above all but Tanh.",
        fails="The sentence names classification by itself and says all; there Tanh has 78.24 against 77.78, and the "
        "caption calls it the best.",
        changes="Sinter is best in summarization, and second to Tanh in classification",
        weight="conclusion",
    ),
    t4["Sinter", "newsgroups_acc"],
    {row: t4[row, "newsgroups_acc"] for row in ("Sigmoid", "Relu", "Tanh", "Swish-1", "Swish-25")},
    "Sinter is the best in classification",
)
PAPER.every(
    said(
        "I | either distort the update values ... or offer minimal performance gain",
        "IV.C | therefore offers limited benefit from its smoothness in the context of LoRA updates",
        defence="In ROUGE, Tanh and Swish do stay below Sinter.",
        fails="In the classification of the same table Tanh gains 2.06 over the identity, and Sinter 1.60.",
        changes="a smaller gain than Sinter's in summarization alone",
        weight="conclusion",
    ),
    {
        f"{score}, {row}": (t4["Sinter", score] - t4["Identity", score], t4[row, score] - t4["Identity", score])
        for row in ("Tanh", "Swish-1", "Swish-25")
        for score in (*SCORES, "newsgroups_acc")
    },
    "standard functions gain less than Sinter",
)
PAPER.setting(
    said(
        "I | consistent improvements over strong baselines, including QLoRA ([8]) and its variants",
        "IV.A | we adopt QLoRA [8] as the base PEFT implementation",
        defence="LoRA without quantization, in Tables 3 and 6, may count as a variant.",
        fails="QLoRA is a variant of LoRA; no table has a further method that builds on QLoRA.",
        changes="improvements over LoRA and QLoRA",
        weight="conclusion",
    ),
    ["QLoRA and its variants", "QLoRA; LoRA in Tables 3 and 6"],
    "baselines",
    measured=False,
)
PAPER.setting(
    said(
        "I | Sinter adds a controlled, bounded oscillatory perturbation to the adapter outputs",
        "III.C | ensuring the non-linear term remains adaptive to magnitude",
        "III.C | Unbounded output range",
        left_open="whether 'bounded' is meant relative to x, or of the sine: A x sin(omega x) grows with x",
    ),
    ["a bounded perturbation", "one in proportion to x", "an unbounded output"],
    "the size of Sinter's perturbation",
    undecided=True,
)
BOTH = {
    f"{score} of {model}": (t1[model, f"{score}_LoRAN"], t1[model, f"{score}_QLoRA"])
    for model in t1.rows
    for score in SCORES
} | {f"accuracy of {model}": (t2[model, "LoRAN"], t2[model, "QLoRA"]) for model in t2.rows}
PAPER.every(
    said(
        "IV.B | Across all combinations of foundation models and tasks, LoRAN consistently improves performance "
        "over QLoRA",
        "Table 1 | -0.05",
        defence="A combination of model and task may be judged by the mean of its scores.",
        fails="The sentence is about all of them, and Table 1 prints the loss in ROUGE-L itself.",
        changes="15 of 16 scores improve",
        weight="conclusion",
    ),
    BOTH,
    "LoRAN is not below QLoRA",
    readings={
        "mean of the three scores of each model": {
            model: (mean(t1.cells(model, [f"{s}_LoRAN" for s in SCORES])),
                    mean(t1.cells(model, [f"{s}_QLoRA" for s in SCORES])))
            for model in t1.rows
        }
    },
    literal=True,
)  # fmt: skip
FLAN = mean(t1.cells("Flan-T5-Large", [f"{s}_delta" for s in SCORES]))
PAPER.every(
    said("IV.B | the performance margin is less significant compared to larger models"),
    {f"mean ROUGE gain of {model}": (mean(t1.cells(model, [f"{s}_delta" for s in SCORES])), FLAN) for model in LARGE},
    "larger models gain more than Flan-T5-Large",
)
PAPER.setting(
    said(
        "IV.B | For large language models (LLMs) with over 7 billion parameters",
        "IV.B | on average, it improves ROUGE and accuracy scores by 0.47 and 0.79 points, respectively",
        left_open="whether 'over' includes the two models of 7 billion, which the averages do",
    ),
    ["over 7 billion", "Falcon-7B, LLaMA-2-7B and LLaMA-2-13B"],
    "the models that the averages are of",
    undecided=True,
)
PAPER.every(
    said(
        "IV.D | continues to outperform QLoRA, even achieving larger absolute improvements than in the high-rank case",
        "Table 5 | +0.41",
        defence="The sentence may be about some of the results, such as the accuracy that follows as its example.",
        fails="It says what Table 5 shows; two of its four rows, ROUGE-2 and ROUGE-L, gain less than at rank 64.",
        changes="the gain is larger at rank 8 in ROUGE-1 and accuracy, and smaller in ROUGE-2 and ROUGE-L",
        weight="conclusion",
    ),
    {
        name: (t5[row, "delta"], other)
        for name, row, other in (
            ("ROUGE-1", "SS ROUGE-1", t1["LLaMA-2-7B", "R1_delta"]),
            ("ROUGE-2", "SS ROUGE-2", t1["LLaMA-2-7B", "R2_delta"]),
            ("ROUGE-L", "SS ROUGE-L", t1["LLaMA-2-7B", "RL_delta"]),
            ("accuracy", "NG Accuracy", t2["LLaMA-2-7B", "delta"]),
        )
    },
    "gains at rank 8 are not below those at rank 64",
    readings={"accuracy, the example": {"": (t5["NG Accuracy", "delta"], t2["LLaMA-2-7B", "delta"])}},
    literal=True,
)
PAPER.every(
    said(
        "IV.D | LoRAN significantly improves training stability on smaller models like Flan-T5 and LLaMA-2-7B",
        "Table 7 | Lower variance indicates better training stability",
        defence="For Flan-T5 it holds in all three scores.",
        fails="For LLaMA-2-7B, which the sentence names, all three variances of Table 7 grow, by 1.4 to 2 times.",
        changes="stability improves on Flan-T5 and Falcon-7B, and not on LLaMA-2-7B",
        weight="conclusion",
    ),
    {score: (t7a["LLaMA-2-7B", f"{score}_QLoRA"], t7a["LLaMA-2-7B", f"{score}_LoRAN"]) for score in SCORES},
    "the variance of LLaMA-2-7B does not grow",
)
PAPER.every(
    said(
        "IV.D | in larger models like LLaMA-2-13B, Sinter introduces mild fluctuations due to its periodic nature",
        "Table 7 | 0.038",
        defence="In ROUGE-1 and ROUGE-2 it does.",
        fails="In ROUGE-L the variance of LLaMA-2-13B falls, from 0.053 to 0.038.",
        changes="two of three variances of LLaMA-2-13B grow",
        weight="conclusion",
    ),
    {score: (t7a["LLaMA-2-13B", f"{score}_LoRAN"], t7a["LLaMA-2-13B", f"{score}_QLoRA"]) for score in SCORES},
    "the variance of LLaMA-2-13B does not fall",
)
PAPER.setting(
    said(
        "IV.B | Notably, on LLaMA-2-7B",
        "IV.D | We attribute this to the fact that low-capacity models benefit from the added expressiveness",
        left_open="large and small are relative; LLaMA-2-7B is named as both",
    ),
    ["one of the large language models", "one of the smaller, low-capacity models"],
    "the size of LLaMA-2-7B",
    undecided=True,
)
PAPER.setting(
    said(
        "V | without increasing parameter count or compromising training efficiency",
        "VI | the non-linear transformation does incur a modest increase in computational time",
        "Table 9 | +0.5",
        defence="A modest increase need not compromise efficiency.",
        fails="The paper's only measurement of it is 7 and 10 % more GPU hours, which it lists as a limitation.",
        changes="training takes 7 to 10 % longer",
        weight="conclusion",
    ),
    ["training efficiency is not compromised", "2.9 to 3.1 and 4.9 to 5.4 GPU hours"],
    "cost of training",
    measured=False,
)
PAPER.setting(
    said(
        "IV.D | these gains are achieved without increasing training time",
        "VI | the non-linear transformation does incur a modest increase in computational time",
        left_open="the training time on MRPC is not printed",
    ),
    ["no more training time, on MRPC", "a modest increase, on 20 Newsgroups"],
    "training time",
    undecided=True,
)
PAPER.atmost(
    said("VI | this overhead remains minimal—under 0.5 GPU hours (see Table 9)", "Table 9 | +0.5"),
    parse("0.5"),
    {model: t9[model, "delta"] for model in t9.rows},
    "extra GPU hours",
    strict=True,
)
PAPER.across(
    said(
        "III.C | yield the most stable performance across models",
        "IV.D | we conduct a grid search on SAMSum using LLaMA-2-7B",
        defence="The values found on one model were then used on all.",
        fails="That they are the most stable was looked at on one model and one task only, by the text and Figure 5.",
        changes="the values are the best on LLaMA-2-7B and SAMSum",
        weight="conclusion",
    ),
    2,
    ["LLaMA-2-7B"],
    "the best amplitude and frequency across models",
)
PAPER.across(
    said(
        "IV.D | fine-tuning Sinter’s parameters allows LoRAN to flexibly adapt to different backbones and task domains",
        "Fig. 5 | Grid search of A and ω on SAMSum using LLaMA-2-7B",
        defence="The sentence may speak of what tuning could do elsewhere.",
        fails="It begins with 'Our results demonstrate', and the results are of one backbone and one task.",
        changes="shown on one backbone and one task",
        weight="conclusion",
    ),
    2,
    ["LLaMA-2-7B on SAMSum"],
    "tuning for different backbones and task domains",
)
PAPER.setting(
    said(
        "IV.B | in large language models when quantization is not applied",
        "IV.B | Even for smaller foundation models such as Flan-T5-Large (770M parameters)",
        left_open="'potential' may be a hope; without quantization only the smallest model was run on SAMSum",
    ),
    ["large language models", "Flan-T5-Large, a smaller foundation model"],
    "where LoRAN without quantization was shown",
    undecided=True,
)
PAPER.setting(
    said(
        r"III.A | \Delta W = BA",
        "IV.C | in low-rank adaptation, the AB product often lies near zero",
        left_open="whether AB is meant as the product of B and A, in that order",
    ),
    ["BA", "AB"],
    "the order of the factors",
    undecided=True,
)
PAPER.setting(
    said(
        "IV.B | appending a more expressive non-linear transformation yields diminishing returns",
        "IV.D | low-capacity models benefit from the added expressiveness of the non-linear adapter",
        "IV.D | Sinter excels when paired with smaller models",
        defence="One is on performance, and the other on the stability of training.",
        fails="Flan-T5-Large has the least mean gain of Tables 1 and 2, and LLaMA-2-7B, the other model called small "
        "there, is less stable with Sinter in all of Table 7.",
        changes="Sinter steadies Flan-T5-Large, where it gains least",
        weight="conclusion",
    ),
    ["diminishing returns on small models", "small models benefit, Sinter excels on them"],
    "what expressiveness brings to small models",
    measured=False,
)
PAPER.setting(
    said(
        "I | bounded oscillatory perturbation to the adapter outputs",
        "II.C | introduces structured, interpretable perturbations directly to the weight update",
        left_open="whether 'adapter outputs' is meant as the product B A, to which equation 3 applies it",
    ),
    ["the outputs of the adapter", "the weight update"],
    "what Sinter perturbs",
    undecided=True,
)
