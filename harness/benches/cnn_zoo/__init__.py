"""The zoo of small convolutional networks: one architecture under many hyper-parameters."""
