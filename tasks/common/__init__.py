"""What every room needs: params, errors, files, determinism, processes, the ties to DVC and MLflow."""
