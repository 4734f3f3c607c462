"""What users' scripts rely on: the attributes of every public record, which change here or not at all."""

import pytest

import rankkit as rk
from rankkit import claims, law

ATTRIBUTES: dict[type, str] = {
    rk.Factors: "A B T batch_shape entry_std m n namespace norm_product peak product r scaled shape to",
    rk.Spectrum: "batch_shape complete energy error noise_floor relative_error shape values",
    rk.Count: "lower route upper",
    rk.Similarity: "mean_absolute plot values zero_rows",
    rk.Sweep: "arguments columns load metrics platform plot save summary table to_parquet",
    rk.Audit: "beside columns coverage plot record save skipped source spectra summary summary_columns table to_html to_markdown "
    "to_parquet use_rslora",
    rk.Merged: "adapter base columns coverage exit_status save skipped source summary summary_columns table to_parquet",
    rk.Comparison: "columns coverage grids heatmap labels matrix norm_columns plot record save sources strengths sum summary "
    "summary_columns table to_html to_parquet total unshared",
    rk.Ranks: "alpha_pattern columns kept_energy lora_arguments lora_config most_kept next_run rank_pattern save summary "
    "table to_parquet unchanged use_rslora",
    rk.Probe: "columns plot save skipped source table to_parquet",
    rk.Watched: "alarms audit columns last_audit learned_columns limits load measurements name of plot plot_frequencies "
    "plot_functions plot_spectra save spectra steps summary_columns table to_html to_parquet",
    law.Prediction: "about error error_of parts regime scatter value",
    law.Target: "about draws error error_of mean parts regime scatter steps value",
    law.Curve: "columns save table to_parquet",
    law.EntryLaw: "far few_values label named nodes of_quantile of_samples size std tail",
    law.RankBounds: "eps lower upper upper_by",
    law.LargeSpectrum: "errors frobenius_norm stable_rank stable_rank_error values",
    claims.Checked: "attempt certificate claim proof verdict",
    claims.Ledger: "ORDER THINGS TITLE changed checked columns records summary to_html to_json to_markdown",
    claims.Claim: "argument bite corrects domain error finding id ill_posed induction kind location margin measure paper reading "
    "statement "
    "theorem tries under until",
    claims.Certificate: "bits claim from_json instance margin recheck to_json",
}


def attributes(record: type) -> set[str]:
    """Return the public names of a record: its fields, properties and methods."""
    fields = {*getattr(record, "__dataclass_fields__", ()), *getattr(record, "_fields", ())}
    own = {name for base in record.__mro__ if base.__module__.startswith("rankkit") for name in vars(base)}
    return {name for name in fields | own if not name.startswith("_")}


@pytest.mark.parametrize("record", ATTRIBUTES, ids=lambda record: record.__name__)
def test_a_record_has_the_attributes_that_scripts_rely_on(record):
    assert attributes(record) == set(ATTRIBUTES[record].split())


def test_every_public_record_stands_in_the_list():
    records = {thing for name in rk.__all__ if isinstance(thing := getattr(rk, name), type)}
    assert records <= set(ATTRIBUTES)


def test_a_lost_attribute_is_seen():
    class Lost(rk.Probe):
        skimmed = 1

    Lost.__module__ = "rankkit.planted"
    assert attributes(Lost) != attributes(rk.Probe)
