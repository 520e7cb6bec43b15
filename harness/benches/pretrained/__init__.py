"""The benchmark `pretrained`: which network, trained on one data set, is the best to fine-tune on another."""
