"""Distances in a graph of networkx, kept by a class of one's own."""

import networkx as nx
import routes
from save import save

model = routes.Routes(nx.path_graph(["a", "b", "c", "d", "e"]))
X = [{"start": "a", "end": end} for end in "bcde"]
save(model, X, model.predict(X))
