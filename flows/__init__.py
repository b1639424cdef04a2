"""WHEN: one Prefect flow a module, named as its DVC stage."""
