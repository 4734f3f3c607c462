"""What the sine-LoRA paper says in one place, against what it says or tabulates in another."""

from rankkit.reported import Paper, said

PAPER = Paper("sine_lora", __file__)

# the sections

PAPER.announced(
    said(
        "4 | we examine its performance in three distinct contemporary applications",
        "4 | fine-tuning of large language models ... the pretraining of ViT ... using NeRF ... and 3D shape modeling",
        defence="NeRF and 3D shape modelling may be counted as one, as fields over coordinates.",
        fails="The sentence that begins with 'Specifically' names four, as do the abstract and Figure 1, and each has "
        "a section of its own, 4.1 to 4.4.",
        changes="four applications instead of three",
    ),
    3,
    ["language models (4.1)", "vision transformers (4.2)", "NeRF (4.3)", "3D shapes (4.4)"],
    "applications that are examined",
)
PAPER.listed(
    said(
        "4.1 | GLUE benchmark ... including CoLA ... MRPC ... QQP, STS-B ... MNLI ... QNLI ... and RTE",
        "Table 4 | SST-2",
        "4.1 | commonsense reasoning tasks, which includes BoolQ ... ARC-c, ARC-e ... and OBQA",
        left_open="'including' need not begin a whole list; the next sentence has the same word before one",
    ),
    ["CoLA", "MRPC", "QQP", "STS-B", "MNLI", "QNLI", "RTE"],
    ["CoLA", "SST-2", "MRPC", "QQP", "STS-B", "MNLI", "QNLI", "RTE"],
    "tasks of GLUE: seven are listed, eight are tabulated",
    partial=True,
)
PAPER.setting(
    said(
        "1 | resulting in improved accuracy while maintaining computational and parameter efficiency",
        "A.2.1 | roughly 6 hours using LoRA, 7 hours using Sine LoRA",
        "Table 6 | Training memory (GB) cost",
        defence="The count of parameters is maintained, a sixth more time may count as maintained, and with DoRA the "
        "time is the same, 11 hours.",
        fails="Memory is 15 to 17 GB higher on LoRA and on DoRA in every column of Table 6, and LoRA takes an hour "
        "more of seven.",
        changes="computational efficiency is traded: 17 % more time on LoRA, 31 % more memory",
        weight="conclusion",
    ),
    ["computational efficiency is maintained", "7 hours instead of 6, and 72.0 GB instead of 54.9 GB at rank 8"],
    "cost of the sine",
    measured=False,
)
PAPER.setting(
    said(
        "5 | while these matrices can reach rank levels comparable to their full-rank counterparts ... their accuracy "
        "falls short",
        "Figure 4 | even enables improvement relative to the Full Rank model",
        "A.2.3 | even outperforms the baseline full-rank method (ConvNext-Tiny)",
        defence="The limitation may be meant for most settings, such as NeRF.",
        fails="It is said of these matrices without a restriction, and two experiments report the opposite.",
        changes="the limitation holds for NeRF and 3D shapes, and not for two image classifiers",
        weight="conclusion",
    ),
    ["accuracy falls short of full rank", "accuracy above full rank"],
    "accuracy against full-rank counterparts",
    measured=False,
)

# the theory, in words

PAPER.setting(
    said(
        "3.2.2, Theorem 1 | uniform distribution ... where N > k",
        "A.1 | From the assumption of the theorem 1 we have that N >> k",
        defence="In practice N is far larger than k, and the proof may need no more than N > k.",
        fails="The proof says that it takes N >> k from the theorem, which asks for N > k alone.",
        changes="N >> k among the hypotheses of theorem 1, or N > k in its proof",
    ),
    ["N > k", "N >> k"],
    "the assumption of theorem 1",
)
PAPER.setting(
    said(
        r"3.2.2, equation 5 | \left( \frac{A_{\min}^{0}}{\left| \left| \sqrt{|\mathbf{A}|} \right| \right|_{op}} "
        r"\right)^{2}",
        "A.1, equation 29 | Now observe that from proposition 1 in section 3.2 from the main paper we have that",
        defence="A square may have been lost in typesetting, and equation 28, just before, has it.",
        fails="Equations 29 and 30 both stand without it, and equation 28 has it; the two bounds differ by a factor.",
        changes="equations 29 and 30 need the square of proposition 1",
        weight="conclusion",
    ),
    ["omega (A_min / op)^2", "omega A_min / op"],
    "the bound of proposition 1",
)
PAPER.setting(
    said(
        r"3.2.2, equation 6 | Rank(\sin(\omega \cdot \mathbf{U}\mathbf{V}^T)) > Rank(\mathbf{U}\mathbf{V}^T)",
        r"A.1, equation 30 | \ge k \ge Rank(\mathbf{A})",
        defence="The last step of the proof could be made strict by a larger frequency.",
        fails="The frequency is bounded by pi N^2 / 3 there, and the chain ends in >= k >= rank.",
        changes="the proof shows that the rank does not fall, and not that it grows",
        weight="conclusion",
    ),
    ["rank of the sine > rank", "rank of the sine >= k >= rank"],
    "what theorem 1 states, and what its proof ends in",
)
PAPER.setting(
    said(
        r"A.1, equation 26 | A_{\min}^{0} = \frac{C}{N^2}",
        "A.1 | We can rewrite this last condition to say that equation 29 holds if",
        defence="The constant C may be taken to be 1 there.",
        fails="C stands in equations 26 and 28, and pi / (3 A_min) with A_min = C / N^2 is pi N^2 / (3 C).",
        changes="the range of omega in the proof depends on C",
        weight="conclusion",
    ),
    ["A_min = C / N^2, so omega <= pi N^2 / (3 C)", "omega <= pi N^2 / 3"],
    "the range of omega in the proof of theorem 1",
)
PAPER.setting(
    said(
        r"A.1, equation 27 | ||\sqrt{|\mathbf{A}|}||_F \le ||\mathbf{A}||_F",
        r"A.1 | have entries sampled from \mathcal{U}(-1/N,1/N)",
        "3.2.2, Theorem 1 | uniform distribution ... where N > k",
        defence="The inequality holds for entries of at least 1, and the root may be that of a matrix.",
        fails="The root is 'component wise' by lemma 2, and an entry of U V^T is at most k / N^2, which is below 1 by "
        "N > k. There |a| is above a^2, so that the left side is the larger one for every A but 0.",
        changes="equation 28 does not follow; the sum of |a| gives omega C^2 / (k m n N^2) instead of omega C / (m n)",
        weight="conclusion",
    ),
    ["sum |a| <= sum a^2", "sum |a| > sum a^2 for entries between 0 and 1"],
    "equation 27, for the entries that theorem 1 assumes",
)
PAPER.setting(
    said(
        r"A.1, Lemma 1 | ||sin(\omega \mathbf{A})||_F^2 \ge \omega^2(A_{\min}^0)",
        "A.1, Lemma 1 | Substituting the lower bound in equation 15 into equation 11 we obtain the proposition.",
        defence="A constant factor matters little, and a square may be lost.",
        fails="Half of omega A_min, squared, is a quarter of its square; the lemma has neither the quarter nor "
        "the square. Proposition 1, which follows from it 'immediately', has the square and not the quarter.",
        changes="lemma 1 bounds by omega^2 A_min^2 / 4",
        weight="conclusion",
    ),
    ["(omega A_min / 2)^2", "omega^2 A_min"],
    "what equations 11 and 15 give, and what lemma 1 states",
)
PAPER.setting(
    said(
        "3.2.2, Theorem 1 | Then there exists an",
        r"3.2.2, Theorem 1 | provided $\omega \geq \omega_0$",
        "A.1 | we find that there exists",
        defence="The rank could stay once it has grown.",
        fails="The proof ends at one frequency omega_0 within 0 to pi N^2 / 3, and proposition 1 says nothing "
        "above it.",
        changes="the proof is of one frequency, and not of every frequency from omega_0 on",
        weight="conclusion",
    ),
    ["for every omega >= omega_0", "at omega_0"],
    "for which frequencies theorem 1 is stated, and for which it is proved",
)
PAPER.setting(
    said(
        r"3.2.1 | is an optimal choice to increase the rank of",
        "A.1, Remark 1 | give the main reasons why we chose a sine function",
        defence="'An optimal choice' may mean a good one, and Figure 3 compares others.",
        fails="The sentence promises it of the theoretical work, and no statement of it is about another function.",
        changes="the theory gives a lower bound for the sine, and no comparison",
        weight="conclusion",
    ),
    ["the theory shows that the sine is optimal", "the theory bounds the rank of a sine from below"],
    "what the theory shows of other functions",
    measured=False,
)
PAPER.setting(
    said(
        "3.1.1 | is a dense weight matrix",
        "A.2 | was the number of rows of the weight matrix",
        left_open="n may be defined anew in A.2; W has m rows and n columns in 3.1.1",
    ),
    ["W is m x n: m rows", "n is the number of rows"],
    "rows of the weight matrix, in the gain g",
    undecided=True,
)
