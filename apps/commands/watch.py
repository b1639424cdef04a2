"""Watch and schedule."""

from typing import Annotated

import typer


def ui(
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow server.", min=1, max=65535)] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect server.", min=1, max=65535)] = 4200,
    host: Annotated[str, typer.Option(help="Address to bind to; anyone who reaches it can change runs.")] = "127.0.0.1",
) -> None:
    """Start the MLflow and Prefect servers side by side."""
    from apps.servers import serve_ui

    serve_ui(host=host, mlflow_port=mlflow_port, prefect_port=prefect_port)


def serve(cron: Annotated[str, typer.Option(help="When the pipeline runs, as in cron.")] = "0 2 * * *") -> None:
    """Serve three Prefect deployments: pipeline (by cron), mining-round (by number) and report."""
    from apps.servers import serve_deployments

    serve_deployments(cron)
