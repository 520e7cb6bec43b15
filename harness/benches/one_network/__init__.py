"""The benchmark `hyperparameters`: one network under many learning rates and dropout rates (Vahedian et al. 2022)."""
