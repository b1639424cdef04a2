"""What every room needs: params, errors, files, determinism, processes, and what DVC and MLflow are told."""
