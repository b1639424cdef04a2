"""Use a model: find it by name, predict, evaluate on a folder, register the chosen one."""
