"""The commands of README and docs: which run, and of which only the arguments are checked.

A line that is in no class fails: say below what is to become of it, and why.
"""

from tests.docs.pages import pages

# Commands of which only the arguments are checked, by how they begin, and why they are not run.
CHECKED = {
    "unfont ui": "serves for ever; tests/apps/test_servers.py starts it, with other servers",
    "unfont serve": "serves for ever; tests/apps/test_deployments.py makes what it serves",
    "unfont join": "waits for trainings of another machine; tests/tasks/train/test_machines.py joins some",
    "unfont live": "serves for ever; tests/apps/live/test_server.py asks the server",
    "unfont tag --from data/scripts/live": "nothing was kept; tests/tasks/live/test_keep.py reads such a manifest",
    "unfont sweep": "dozens of trainings; tests/apps/test_sweep.py runs small ones",
    "unfont report": "the first run has just written it, and tests/e2e/test_chain.py once more",
    "unfont round": "tests/e2e/test_chain.py runs it",
    "unfont influence": "its table is the reader's; tests/apps/test_influence.py runs it",
    "unfont rollback": "there is one champion; tests/tasks/predict/test_register.py goes back to one",
    "unfont tag --from cmu-faces.tar.gz": "the archive is not ours; tests/e2e/test_own_crops.py brings in a small one",
    "unfont ablation": "the archive is not ours; tests/apps/test_ablation.py runs it on small faces",
    "unfont draw 1 0 1 --network edges:make": "tests/apps/test_draw.py runs this example, all of its page",
    "dvc repro --force": "tests/e2e/test_chain.py runs it",
    "dvc metrics diff": "compares commits, of which the debug project has none",
    "dvc plots diff": "compares commits, of which the debug project has none",
    "dvc remote": "the folder and the bucket are the reader's; tests/e2e/test_chain.py has one of each",
    "dvc push": "to the reader's remote; tests/e2e/test_chain.py does",
    "dvc pull": "from the reader's remote; tests/e2e/test_chain.py does",
    "mlflow models serve": "serves for ever; tests/apps/test_served_model.py asks the model",
    "prefect ": "asks a server; tests/apps/test_deployments.py holds prefect.yaml to what is served",
    "dask scheduler": "serves for ever",
    "dask worker": "serves for ever",
    "make run": "makes an environment and takes half an hour",
    "make test": "is what runs this",
    ". .venv/bin/activate": "of an environment that make made",
    "find scans": "tests/apps/test_predict.py lists paths on standard input",
    "npm install": "fetches",
    "pip install": "fetches",
    "python -m tasks.fonts.build": "fetches",
    "python -m unfont": "tests/unfont/test_api.py runs it",
}
# These change the crop table, so they come last; what they write into params.yaml stays for those behind them.
LATE = ("unfont tag", "unfont review")


def commands() -> list[str]:
    found = dict.fromkeys(line for page in pages() for line in page.commands())
    return sorted(found, key=lambda line: (line.startswith(LATE), line.startswith("unfont review")))


def is_checked(line: str) -> bool:
    return line.startswith(tuple(CHECKED))
