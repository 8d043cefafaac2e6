"""A score for a series of codes."""

from torch import nn


class Tagger(nn.Module):
    """Embeds, reads in both directions, and scores."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.read = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.again = nn.GRU(6, 3, batch_first=True)
        self.score = nn.Linear(3, 2)

    def forward(self, codes):
        """Shape `(n, 2)` from codes of shape `(n, length)`."""
        read, _ = self.again(self.read(self.embed(codes))[0])
        return self.score(read[:, -1])
