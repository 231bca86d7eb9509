import numpy as np


def getPositionEncoding(seq_len: int, d: int, n: float = 10000) -> np.ndarray:
    """The encoding through complex exponentials: the angle of column pair i turns by a constant factor from pair to pair.

    Returns:
        float64 array (seq_len, d); sine is the imaginary, cosine the real part; a last odd column stays 0.
    """
    pairs = d // 2
    turns = np.geomspace(1.0, n ** (2.0 * (1 - pairs) / d), pairs) if pairs > 1 else np.ones(pairs)
    waves = np.exp(1j * np.outer(np.arange(seq_len), turns))
    P = np.zeros((seq_len, d))
    P[:, : 2 * pairs] = np.stack([waves.imag, waves.real], axis=-1).reshape(seq_len, -1)
    return P
