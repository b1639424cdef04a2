"""Stage `evaluate`: select a model by validation, then measure all of them on the test splits."""
