"""Distances between places."""

import networkx as nx


class Routes:
    """Distances in a graph."""

    def __init__(self, graph):
        self.graph = graph

    def predict(self, records):
        """The number of edges from start to end, for each record."""
        return [nx.shortest_path_length(self.graph, record["start"], record["end"]) for record in records]
