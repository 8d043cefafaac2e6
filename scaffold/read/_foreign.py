"""Files that people give in place of a model, and what to do with each.

Some are models that no library pickles: for these the advice is a class that loads the file, to copy.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from scaffold.base.streams import compression_of
from scaffold.errors.wording import shell_line

_TABLE = "That is a table. Give the model's file first and the table after --input"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "Fetch the file: git lfs pull"),
    (b"(\xb5/\xfd", "compressed with zstd", "Unpack it first: unzstd FILE"),
    (b"PAR1", "a Parquet file", _TABLE),
    (b"\x93NUMPY", "a numpy array", "Give the model's file first and the array after --input"),
    (b"\x89PNG", "a PNG image", "Give the model's file first and the image after --input"),
    (b"\xff\xd8\xff", "a JPEG image", "Give the model's file first and the image after --input"),
    (
        b"ZF0x",
        "written by joblib before 0.10",
        "Load it with that joblib and write it anew: joblib.dump(model, PATH)",
    ),
)
_PAGE = "a web page", "Download the file itself: this is the page that leads to it"
_EXPORTED = """Save what it holds as TorchScript, with an input for an example:
  torch.jit.trace(torch.export.load(PATH).module(), example).save('model.pt')"""
_KERAS = """Save it anew, as Keras 3 does by itself:
  import keras
  keras.saving.load_model({path!r}).save("model.keras")
Give the file model.keras then."""
_SAFETENSORS = """It holds weights without their network. Load them into your class, and save that as a whole:
  import torch
  from safetensors.torch import load_file
  from train import Net  # the class of the network
  net = Net()
  net.load_state_dict(load_file({path!r}))
  torch.save(net.eval(), "model.pt")
Give the file model.pt then."""
_ADVICE = {"a safetensors file": _SAFETENSORS, "a program of torch.export": _EXPORTED}
_CLASSES = {
    "a CRFsuite model": """
  import pycrfsuite  # pip install python-crfsuite

  class Model:
      def __init__(self, content):
          self.content, self.tagger = content, pycrfsuite.Tagger()
          self.tagger.open_inmemory(content)
      def __reduce__(self):
          return Model, (self.content,)
      def predict(self, sequences):  # a sequence is a list of items, an item a list of texts
          return [self.tagger.tag(items) for items in sequences]
""",
    "a fastText model": """
  import os
  import tempfile
  import fasttext  # pip install fasttext-predict

  class Model:
      def __init__(self, content):
          self.content = content
          with tempfile.TemporaryDirectory() as folder:
              path = os.path.join(folder, "model.bin")
              with open(path, "wb") as file:
                  file.write(content)
              self.model = fasttext.load_model(path)
      def __reduce__(self):
          return Model, (self.content,)
      def predict(self, texts):
          found = [self.model.predict(text.replace("\\n", " ")) for text in texts]
          return [{{"label": labels[0], "probability": float(numbers[0])}} for labels, numbers in found]
""",
    "a TensorFlow Lite model": """
  import numpy as np
  from ai_edge_litert.interpreter import Interpreter  # pip install ai-edge-litert

  class Model:
      def __init__(self, content):
          self.content, self.interpreter = content, Interpreter(model_content=content)
          self.interpreter.allocate_tensors()
      def __reduce__(self):
          return Model, (self.content,)
      def predict(self, X):  # an array; its rows are asked one after the other
          takes = self.interpreter.get_input_details()[0]
          gives = self.interpreter.get_output_details()[0]
          answers = []
          for row in X:
              self.interpreter.set_tensor(takes["index"], row[None].astype(takes["dtype"]))
              self.interpreter.invoke()
              answers.append(self.interpreter.get_tensor(gives["index"])[0])
          return np.stack(answers)
""",
}
_COPY = """No library pickles it. Copy this class into a file loads.py, and pickle an object of it:
{code}
  {dump}
  scaffold new model.pkl service --input sample.json"""
_DUMP = 'import loads, pickle; pickle.dump(loads.Model(open({path}, "rb").read()), open("model.pkl", "wb"))'
_MOST_HEADER_BYTES = 16 << 20


def foreign_kind(path: Path, head: bytes) -> tuple[str, str] | None:
    """Return what a file with this start is, and advice, if it is known to be no readable model."""
    for magic, kind, advice in _FOREIGN:
        if head.startswith(magic):
            return kind, advice
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return _PAGE
    kind = _model_kind(path, head)
    if not kind:
        return None
    if kind in _CLASSES:
        dump = shell_line("python", "-c", _DUMP.format(path=json.dumps(path.name)))
        return kind, _COPY.format(code=_CLASSES[kind].format(), dump=dump)
    return kind, _ADVICE.get(kind, _KERAS).format(path=path.name)


def _model_kind(path: Path, head: bytes) -> str:
    """What model a file is that is not read by itself; empty for any other file."""
    if head.startswith(b"lCRF"):
        return "a CRFsuite model"
    if head.startswith(b"\xba\x16\x4f\x2f"):  # 793712314, as fastText writes it
        return "a fastText model"
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model"
    if head.startswith(b"\x89HDF\r\n"):
        return "an HDF5 file, as Keras 2 writes models"
    if _is_safetensors(path, head):
        return "a safetensors file"
    if compression_of(head) != "zip" or not zipfile.is_zipfile(path):
        return ""
    with zipfile.ZipFile(path) as archive:
        members = {name.rpartition("/")[2] for name in archive.namelist()}
    return "a program of torch.export" if "archive_format" in members else ""


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Whether the file starts with the header of tensors: its length in eight bytes, then JSON."""
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or not 2 <= length <= min(_MOST_HEADER_BYTES, path.stat().st_size - 8):
        return False
    try:
        with path.open("rb") as file:
            file.seek(8)
            header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return False
    tensors = [value for name, value in header.items() if name != "__metadata__"]
    return all(
        isinstance(each, dict) and {"dtype", "shape", "data_offsets"} <= each.keys() for each in tensors
    )
