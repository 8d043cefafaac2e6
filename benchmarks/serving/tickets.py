"""A model without a library: nested JSON with text in, nested JSON out."""

from typing import Any


class Urgency:
    """How soon a ticket wants an answer."""

    def __init__(self, words: dict[str, float]) -> None:
        self.words = words

    def predict(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """The score of one ticket, and the words that made it."""
        found = [word for word in ticket["text"].lower().split() if word in self.words]
        loyalty = ticket["customer"]["orders"] + (ticket["customer"]["since"] or 0) / 10
        score = sum(self.words[word] for word in found) + 0.1 * min(loyalty, 10)
        return {"score": score, "words": found, "urgent": score > 1}


TICKET = {"text": "my order is late", "customer": {"orders": 3, "since": 2020.5}, "tags": ["web", "eu"]}
