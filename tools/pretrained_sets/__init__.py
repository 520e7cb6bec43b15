"""Pre-trained networks over several data sets: accuracies, ceilings, and whether a look at the target ranks better."""
