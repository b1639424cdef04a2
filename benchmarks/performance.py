"""Write docs/performance.md from benchmarks/results/*.json: `python -m benchmarks.performance`."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
# Tools of benchmarks/render.py, and what each does.
TOOLS = {
    "ours": "ours: shaping check, rendering, the training settings' degradations",
    "drawn": "ours: shaping check and rendering",
    "rows": "ours: rows of the crop table, chosen, checked, rendered, PNG and hash",
    "ceiling": "bare ceiling: `font.getmask` on the same open fonts and a resize",
    "ours_all": "ours over all scripts: shaping check, rendering, degradations",
    "drawn_all": "ours over all scripts: shaping check and rendering",
    "rows_all": "ours over all scripts: rows of the crop table",
    "ceiling_all": "bare ceiling over all scripts",
    "trdg": "TextRecognitionDataGenerator: noise background, slant, waves, blur, coloured text",
    "trdg_plain": "TextRecognitionDataGenerator: black on white",
    "synthtiger": "SynthTIGER: font, colour, texture (pictures 960 pixels wide), blur",
    "synthtiger_photos": "SynthTIGER: the same with pictures 4,000 pixels wide",
    "synthtiger_degraded": "SynthTIGER: the same with elastic distortion, perspective, skew, rotation, noise",
}
# Ways to use the cores of benchmarks/train.py, and what it measures beside them.
WAYS = {
    "processes": "ours: a process a core, averaged gradients",
    "processes_float32": "… in float32",
    "threads_spinning": "one process, a thread a core",
    "threads_spinning_float32": "… in float32",
    "threads_waiting": "… whose threads wait (`OMP_WAIT_POLICY=passive`)",
    "threads_bounded_spin": "… whose threads spin a while (`GOMP_SPINCOUNT=20000`)",
}
PEERS = {
    "ours": ("ours, as round 0 trains", ""),
    "bare_loop": ("bare forward, backward and step, crops degraded before", "≥ 0.95"),
    "bare_loop_degrading": ("bare forward, backward and step, degraded as in training", ""),
    "matmul": (
        "share of the FLOP/s of torch's matrix product, float32 (slower than its convolutions on AMD)",
        "≥ 0.60",
    ),
    "lightning": ("PyTorch Lightning", "> 1"),
    "keras": ("Keras on torch", "> 1"),
}
PAGE = RESULTS.parent.parent / "docs" / "performance.md"


def main() -> None:
    sections = {"train": training, "render": rendering, "mine": mining, "explain": explaining, "live": watching}
    parts = [page(read("chain"))]
    parts += [section(read(name)) for name, section in sections.items() if (RESULTS / f"{name}.json").is_file()]
    if (RESULTS / "ablation.json").is_file() and (influence := read("ablation").get("influence")):
        parts.append(influencing(influence))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def page(chain: dict[str, Any]) -> str:
    """The page, from the values of `benchmarks/chain.py`."""
    machine, run = chain["machine"], chain["run"]
    lines = [
        "# Performance",
        "",
        "Written by `python -m benchmarks.performance` from what `python -m benchmarks.chain` measured.",
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, Python {machine['python']}.",
        "",
        "## The default profile, from nothing to the report",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| `unfont run` after installation, fonts fetched | {run['seconds'] / 60:.1f} min | ≤ 10 min |",
        f"| peak memory, all processes | {run['peak_gib']:.2f} GiB | ≤ 4 GiB |",
        f"| `dvc repro` with nothing to do | {spread_of(chain['noop']['dvc_repro_s'])} | ≤ 5 s |",
        f"| `unfont run` with nothing to do | {spread_of(chain['noop']['unfont_run_s'])} | ≤ 6 s |",
        *orchestration(chain["orchestration"]),
        "",
        "Seconds of each stage's own work:",
        "",
        "| stage | seconds |",
        "|---|---|",
        *(f"| `{stage}` | {seconds:.1f} |" for stage, seconds in run["stages"].items()),
        "",
        "## Accuracy of the chosen model on unseen typefaces",
        "",
        "| severity | accuracy over text crops |",
        "|---|---|",
        *(f"| {severity} | {value:.1%} |" for severity, value in chain["accuracy"].items()),
        "",
    ]
    return "\n".join(lines)


def orchestration(costs: dict[str, Any]) -> list[str]:
    return [
        f"| bare `dvc repro`, a stage without torch | {spread_of(costs['stage_without_torch_s'])} | ≤ 3 s |",
        f"| … of a stage with torch | {spread_of(costs['stage_with_torch_s'])} | ≤ 3 s |",
        f"| … of which importing torch | {spread_of(costs['of_which_import_torch_s'])} | |",
    ]


def rendering(render: dict[str, Any]) -> str:
    """The section on rendering crops, from the values of `benchmarks/render.py`."""
    ratio, machine = render["ratio"], render["machine"]
    lines = [
        "## Rendering crops",
        "",
        "Measured by `python -m benchmarks.render`: the same Latin words in the same fonts, crops 32 pixels high, one",
        "core each, one at a time and in turns; median (smallest to largest).",
        f"One of {machine['cores']} cores of {machine['cpu']}.",
        "",
        "| what | crops/s |",
        "|---|---|",
        *(f"| {what} | {rates(render[tool])} |" for tool, what in TOOLS.items()),
        "",
        "| ratio | measured | aim |",
        "|---|---|---|",
        f"| ours, rendered and degraded, to trdg | {ratio['trdg']:.1f} | ≥ 20 |",
        f"| … to trdg without degradation | {ratio['trdg_plain']:.1f} | |",
        f"| … to SynthTIGER | {ratio['synthtiger']:.1f} | ≥ 200 |",
        f"| … to SynthTIGER with large textures | {ratio['synthtiger_photos']:.1f} | |",
        f"| … to SynthTIGER with more degradation | {ratio['synthtiger_degraded']:.1f} | |",
        f"| ours, rendered, to the bare ceiling | {ratio['ceiling']:.2f} | ≥ 0.5 |",
        f"| … over all scripts | {ratio['ceiling_all']:.2f} | |",
        f"| rows of the table to the bare ceiling | {ratio['ceiling_rows']:.2f} | |",
        f"| … over all scripts | {ratio['ceiling_rows_all']:.2f} | |",
        "",
        *long_run(render.get("million")),
    ]
    return "\n".join(lines)


def long_run(million: dict[str, Any] | None) -> list[str]:
    if million is None:
        return []
    return [
        f"A table of {million['crops']:,} crops over all scripts, {million['workers']} workers:",
        f"{million['seconds'] / 60:.1f} minutes, {million['crops_per_s']:,.0f} crops/s, peak memory of all processes",
        f"{million['peak_rss_gib']:.2f} GiB (≤ 1.5; pages that they share counted again for each). The first third",
        f"of each script at {million['rate_first']:,.0f} crops/s, the last at {million['rate_last']:,.0f} crops/s.",
        "",
    ]


def mining(mine: dict[str, Any]) -> str:
    """The section on scoring and mining a pool, from the values of `benchmarks/mine.py`."""
    ratio, crops = mine["ratio_spread"], mine["crops_per_s"]
    million = mine["pools"][-1]
    lines = [
        "## Scoring and mining a pool",
        "",
        "Measured by `python -m benchmarks.mine`: scoring reads, decodes and predicts crops of a table; the bare",
        "forward pass has them in memory as tensors. In turns, two cores each; median (smallest to largest).",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| scoring, clean | {crops['score']:,} crops/s | |",
        f"| bare forward pass | {crops['bare_forward']:,} crops/s | |",
        f"| the first to the second | {mine['ratio']['bare_forward']:.2f} {between(ratio['bare_forward'])} | ≥ 0.9 |",
        f"| … to a forward pass with folded normalisation | {mine['ratio']['fused_forward']:.2f}"
        f" {between(ratio['fused_forward'])} | |",
        f"| … lightly degraded, to degrading and forward pass in memory | {mine['ratio']['light']:.2f}"
        f" {between(ratio['light'])} | |",
        f"| {million['rows']:,} crops scored and mined | {million['seconds'] / 60:.1f} min | |",
        f"| peak memory of all processes | {mine['peak_rss_gib']:.2f} GiB | ≤ 1.5 GiB |",
        f"| slope of log seconds over log crops, {mine['pools'][0]['rows']:,} to {million['rows']:,}"
        f" | {mine['linear']['exponent']:.2f} | 1 |",
        *reruns(mine.get("rerun", {})),
        "",
    ]
    return "\n".join(lines)


def reruns(found: dict[str, Any]) -> list[str]:
    names = {"dvc": "dvc repro --force --single-item round@2", "unfont": "unfont round 2"}
    return [
        f"| `{names[way]}`, to its own compute | {one['ratio']['median']:.2f}"
        f" {between([one['ratio']['min'], one['ratio']['max']])} of {one['work_s']['median']:.0f} s | ≤ 1.15 |"
        for way, one in found.items()
    ]


def training(train: dict[str, Any]) -> str:
    """The section on training, from the values of `benchmarks/train.py`."""
    company, ratio, peers = train["company"], train["ratio"], train["peers"]
    busy = list(company["processes"])
    lines = [
        "## Training",
        "",
        "Crops a second of a whole training of the default network with the heads of `conditional`: degradation,",
        "batches, steps, metrics, validation, checkpoint. Median (smallest to largest) beside so many busy processes",
        "(`python -m benchmarks.train TABLE`). Beside one, ours keeps "
        f"{train['beside_busy']:.0%} of its rate alone; 45% was aimed for.",
        "",
        f"| busy processes | {' | '.join(busy)} |",
        "|---|" + "---|" * len(busy),
        *(f"| {text} | {' | '.join(rate_of(company[way][count]) for count in busy)} |" for way, text in WAYS.items()),
        "",
        "The same network on the same crops, alone, without heads:",
        "",
        "| what | crops/s | ours over it | aim |",
        "|---|---|---|---|",
        *(
            f"| {text} | {rate_of(peers[name]) if name in peers else ''} | {ratio.get(name, '')} | {aim} |"
            for name, (text, aim) in PEERS.items()
        ),
        "",
    ]
    return "\n".join(lines)


def rate_of(measured: dict[str, float]) -> str:
    return f"{measured['crops_per_s']:,.0f} ({measured['min']:,.0f} to {measured['max']:,.0f})"


def explaining(explain: dict[str, Any]) -> str:
    """The section on looking inside a network, from the values of `benchmarks/explain.py`."""
    ratio = explain["ratio"]
    spans = {name: between(pair) for name, pair in explain["ratio_spread"].items()}
    captum = f"{ratio['captum_deconv']:.1f} {spans['captum_deconv']}"
    one_thread = f"{ratio['captum_deconv_one_thread']:.1f} {spans['captum_deconv_one_thread']}"
    report = [("`unfont report`: seconds", "report_s", 180), ("… megabytes", "report_mb", 30)]
    report.append(("… kilobytes of its first page", "index_kb", 300))
    lines = [
        "## Looking inside a network",
        "",
        "Measured by `python -m benchmarks.explain`: the default network, by turns; median (smallest to largest).",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| a unit's own images a second, to torch-lucent | {ratio['lucent']:.1f} {spans['lucent']} | ≥ 20 |",
        f"| … to bare forward and backward passes | {ratio['bare']:.2f} {spans['bare']} | ≥ 0.8 |",
        f"| every unit under four settings | {explain['atlas_s']:.0f} s | ≤ 120 s |",
        f"| 300 settings of one unit, at the paper's lengths | {explain['search_300_s']:.0f} s | ≤ 180 s |",
        f"| deconvnets of every unit, to captum's one by one | {captum} | ≥ 10 |",
        f"| … on one thread, ours on two | {one_thread} | |",
        *(f"| {what} | {explain[key]:.0f} | ≤ {aim} |" for what, key, aim in report if key in explain),
        "",
    ]
    return "\n".join(lines)


def between(pair: list[float]) -> str:
    return f"({pair[0]:.2f} to {pair[1]:.2f})"


def rates(tool: dict[str, Any]) -> str:
    return f"{tool['crops_per_s']:,.0f} ({tool['min']:,.0f} to {tool['max']:,.0f}, n = {tool['n']})"


def spread_of(seconds: dict[str, Any]) -> str:
    return f"{seconds['median']:.2f} s ({seconds['min']:.2f} to {seconds['max']:.2f}, n = {seconds['n']})"


def watching(live: dict[str, Any]) -> str:
    """The section on the live page, from the values of `benchmarks/live.py`."""
    viewers, memory = live["viewers"], live["mib_by_quarter"]
    lines = [
        "## The live page",
        "",
        "Measured by `python -m benchmarks.live`: `unfont live` through a real websocket client that sends frames of",
        "a webcam as the page does, the default network, a layer of 64 units shown. The bare loop only runs the",
        "network on the same windows, in turns. Other work on the machine slows the rates more than processor time.",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| frames/s | {live['frames_per_s']:.0f} | ≥ 20 |",
        f"| … with deconvnet | {live['frames_per_s_deconv']:.0f} | ≥ 10 |",
        f"| … to the bare loop | {live['ratio']:.2f} | ≥ 0.5 |",
        f"| processor time of the server a frame | {live['processor_ms']:.1f} ms, the network's"
        f" {live['network_processor_ms']:.1f} ms | |",
        f"| from sending a frame to its answer, 95th percentile | {live['latency_p95_ms']:.0f} ms | ≤ 150 ms |",
        f"| frames/s of {len(viewers['frames_per_s'])} viewers at once, together | {viewers['total']:.0f} | |",
        f"| memory over {live['frames']:,} frames, by quarter | {', '.join(map(str, memory))} MiB | flat |",
        "",
    ]
    return "\n".join(lines)


def influencing(influence: dict[str, Any]) -> str:
    """The section on tables, from the values of `benchmarks/influence.py`."""
    lines = [
        "## Which variables of a table drive it",
        "",
        "Measured by `python -m benchmarks.influence`: reading, three trainings and all measures of a table of which a",
        "fifth of the columns drive the target, in one process.",
        "",
        "| what | measured | aim |",
        "|---|---|---|",
        f"| {influence['rows']:,} rows × {influence['columns']} columns | {influence['seconds']:.0f} s | ≤ 300 s |",
        f"| … peak memory | {influence['peak_gib']:.2f} GiB | ≤ 4 GiB |",
        f"| … of the columns that drive it, ranked before all others | {influence['found']:.0%} | |",
        "| Kendall's τ of integrated gradients and permutation importance, on the example |"
        f" {influence['kendall_tau']:.2f} | ≥ 0.8 |",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
