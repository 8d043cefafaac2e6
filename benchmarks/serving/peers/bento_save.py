"""Puts the model into BentoML's store."""

import os
import pickle
from pathlib import Path

import bentoml

bentoml.sklearn.save_model("scored", pickle.loads(Path(os.environ["MODEL"]).read_bytes()))
