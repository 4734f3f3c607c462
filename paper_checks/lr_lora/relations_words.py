"""What the LR-LoRA paper says in one place and in another: its functions, captions and sections."""

from rankkit.reported import Paper, said, total

PAPER = Paper("lr_lora", __file__)
t24 = PAPER.table("table24", key="method")

# the learned functions

PAPER.setting(
    said(
        "I.4 | early layers favor extended bandwidth",
        "3.3 | we place a sinc function with bandwidth",
        "I.4 | deep layers focus on narrow-band patterns",
        defence="'Extended' may mean extended in z: a small omega makes a wide bump.",
        fails="omega is called the bandwidth throughout, and 0.5 is less of it than the 1.5 that is called "
        "narrow-band.",
        changes="early layers have the narrow band, deep layers the wide one",
        weight="conclusion",
    ),
    ["extended at 0.5, narrow at 1.5", "omega is the bandwidth, so 0.5 is narrower than 1.5"],
    "bandwidth of LLaMA-3's layers",
)
PAPER.setting(
    said(
        "I.2 | remains relatively stable across training",
        "Figure 10 | bandwidth differentiation",
        "Figure 7 | bandwidth expansion and moderate",
        defence="A range from 0.8 to 1.2 may count as differentiation.",
        fails="Two captions say expansion and pronounced differentiation of what the text calls stable and uniform.",
        changes="what the bandwidths of Qwen2 do",
        weight="conclusion",
    ),
    ["stable, uniform across layers", "expansion; pronounced differentiation"],
    "bandwidths of Qwen2",
)
PAPER.setting(
    said(
        "Figure 8 | Qwen2 MLP nonlinearity evolution at layer 23. Deepest layer",
        "I | Qwen2-0.5B (24 layers, 494M parameters) and LLaMA-3 8B (32 layers, 8B parameters)",
        "I.1 | late depth (L23/L32)",
        defence="Layers may be counted from 0.",
        fails="Then LLaMA-3 with 32 layers has no layer 32, and counted from 1 the deepest of 24 is layer 24.",
        changes="the number of the deepest layer of one model",
    ),
    ["deepest of 24: layer 23", "deepest of 32: layer 32"],
    "how layers are counted",
)
PAPER.setting(
    said(
        "I.1 | Final stage (IT2000): The convergence phase",
        "E.1 | approximately 3.2k total optimizer steps for Qwen2-0.5B, 6.4k steps for Phi-3-8B, and 12.8k steps "
        "for LLaMA3-8B",
        left_open="'final' may be the last of the three stages that are shown",
    ),
    ["final stage: 2000", "3.2k and 12.8k steps in all"],
    "the final stage of training",
    undecided=True,
)

# captions, and what sections are said to hold

PAPER.setting(
    said(
        "Table 7 | demonstrating minimal computational cost for learned rank adaptation",
        "Table 7 | Transfer function parameter overhead relative to base LoRA parameters",
        defence="Few parameters may be cheap to compute.",
        fails="The columns are counts of parameters; by section C the cost grows with m n N, whatever their number.",
        changes="a minimal number of parameters",
    ),
    ["computational cost", "parameters alone"],
    "what Table 7 shows",
    measured=False,
)
PAPER.held(
    said(
        "Table 2 | denotes additional",
        "Table 2 | 0.7M",
        left_open="whether the sign was lost in the text at hand; the cells have a dagger alone",
    ),
    ["Δ"],
    ["0.7M with a dagger", "1.8M with a dagger"],
    "the sign that the note of Table 2 explains",
    partial=True,
)
PAPER.held(
    said(
        "F.4 | Advanced ablation studies investigated parameter sharing, alternative bases, training dynamics, "
        "and scaling",
        defence="Alternative bases are in section F.1.2, and convergence times in Table 21 may be training dynamics.",
        fails="Section F.1.2 is another section, and no part of F.4 is on training dynamics.",
        changes="the contents of section F.4",
    ),
    ["parameter sharing", "alternative bases", "training dynamics", "scaling"],
    ["parameter sharing", "robustness to perturbations", "scaling", "layer-wise strategies"],
    "what section F.4 holds",
)
PAPER.held(
    said(
        "B | conduct a cross-architecture consistency analysis, and provide extended baseline comparisons",
        left_open="whether the tables of section B are meant as that analysis",
    ),
    ["cross-architecture analysis"],
    ["tasks (B.1)", "significance (B.2)", "stable ranks of baselines (B.3)", "MT-Bench (B.4)"],
    "what section B holds",
    partial=True,
)
PAPER.held(
    said(
        "Table 10 | reported with results",
        "4.1 | For GLUE, we fine-tune using AdamW",
        defence="The epochs may have been left out by mistake.",
        fails="That is what is found: the table refers to the results of GLUE, and these name no epochs.",
        changes="the epochs of GLUE have to be given",
        weight="number",
    ),
    ["epochs of GLUE"],
    ["epochs of ImageNet-1k, CIFAR-100, Flowers102, SUN397 (D.1)", "and of Oxford-IIIT Pets (D.2)"],
    "epochs that Table 10 says are reported with results",
)
PAPER.announced(
    said(
        "4.1 | We fine-tune three decoder-only LLM backbones: Qwen2-0.5B, Phi-3-8B, and LLaMA3-8B",
        "Table 22 | Pythia-1.4B, Pythia-2.8B, LLaMA3-8B, LLaMA3-13B",
        left_open="whether the three are those of the main results alone",
    ),
    3,
    ["Qwen2-0.5B", "Phi-3-8B", "LLaMA3-8B", "Pythia-1.4B", "Pythia-2.8B", "LLaMA3-13B"],
    "decoder-only backbones",
    partial=True,
)

# what must grow together

memory = PAPER.table("table24_memory", key="component")
GROWS = said(
    "Table 24, memory breakdown | AdamW momentum + variance",
    "Table 24 | LR-LoRA (r = 32)",
    defence="Memory is allocated in blocks, and parts of it may be shared.",
    fails="Adapters, optimizer states and gradients are of r (m + n) numbers each, so that twice the rank adds as much "
    "again; Table 24 has a third of it.",
    changes="the memory of Table 24 at r = 32, or the breakdown",
    weight="number",
)
for column, name in (("Qwen2", "Qwen2-0.5B"), ("Phi3", "Phi-3-8B")):
    rise = t24["LR-LoRA (r = 32)", f"{column}_mem_GB"] - t24["LR-LoRA (r = 16)", f"{column}_mem_GB"]
    parts = total(memory[part, name] for part in ("LoRA adapters", "Optimizer states", "Gradients")) / 10**9
    PAPER.same("Table 24", f"GB that twice the rank adds on {name}", rise, parts, words=GROWS)
t4 = PAPER.table("table4", key="method")
for column in ("attention_std", "mlp_std"):
    PAPER.states("Table 4, roughly triples", "3", t4["LR-LoRA", column] / t4["LoRA", column], f"{column} over LoRA's")
PAPER.setting(
    said(
        "Table 3 | deltas vs LoRA at matched protocol are the comparable quantity",
        "Table 22 | 8B (LLaMA3-8B)",
        "4.2 | LLaMA3 +2.90 and +2.98",
        left_open="the rank, the data and the tasks of Table 22",
    ),
    ["5.1 - 3.8 = 1.3 in Table 22", "2.90 and 2.98 in Table 1"],
    "gain of LR-LoRA over LoRA on LLaMA3-8B",
    undecided=True,
)
