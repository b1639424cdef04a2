# The pipeline with all that it needs: also MLflow's server (with a driver for Postgres) and a Dask worker.
FROM python:3.11-slim

# DVC works in a git repository; make runs the named commands.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 unfont
WORKDIR /unfont
COPY --chown=unfont . .
RUN pip install --no-cache-dir -c constraints.txt -e ./unfont -e '.[dask,postgres]' && chown unfont /unfont

USER unfont
# A mounted project belongs to another user: git refuses it otherwise.
RUN git config --global --add safe.directory /unfont
ENTRYPOINT []
CMD ["unfont", "doctor"]
