"""The training loop behind `helpers.train.fit`: batches, steps, files."""
