"""The model at run time: features, calibration, explanations, metrics and profiles."""
