"""Vetiver. It refuses null in a column whose first row has a value, so it is asked for full rows only."""

import os
import pickle
from pathlib import Path

import vetiver

path = Path(os.environ["MODEL"])
model, sample = (pickle.loads(path.with_stem(path.stem + part).read_bytes()) for part in ("", "-input"))
app = vetiver.VetiverAPI(vetiver.VetiverModel(model, "scored", prototype_data=sample)).app
