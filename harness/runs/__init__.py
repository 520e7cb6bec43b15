"""One run: sample, train, score, judge, write."""
