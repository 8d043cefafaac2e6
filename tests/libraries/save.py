"""Write the results of a training script: a model, its samples, and one request with its prediction."""

import json
import pickle
from pathlib import Path

ROW = 3


def save(model, X, y, *, body=None, answer=None, file="model.pkl", dump=None):
    """Write `file`, `X.pkl`, `y.pkl` and `request.json`.

    Args:
        model: Written with `dump(model, file)`; pickled where there is no `dump`.
        X: The sample input; `body` is made from its row 3 unless it is given.
        y: The sample output; `answer` is made from its row 3 unless it is given.
        body: The JSON body of the request.
        answer: What the service has to answer: the whole object, or the value of `prediction`.
    """
    if dump is None:
        Path(file).write_bytes(pickle.dumps(model))
    else:
        dump(model, file)
    Path("X.pkl").write_bytes(pickle.dumps(X))
    Path("y.pkl").write_bytes(pickle.dumps(y))
    request = {
        "body": row_of(X, boxed=True) if body is None else body,
        "answer": row_of(y) if answer is None else answer,
    }
    Path("request.json").write_text(json.dumps(request, default=plain))


def row_of(values, boxed=False):
    """Return one row as JSON; if `boxed`, a row without names is in `data`."""
    if hasattr(values, "to_dicts"):  # polars
        return values.to_dicts()[ROW]
    if hasattr(values, "to_pylist"):  # pyarrow
        return values.to_pylist()[ROW]
    row = values.iloc[ROW] if hasattr(values, "iloc") else values[ROW]
    if hasattr(values, "columns"):
        return {str(name): plain(value) for name, value in row.items()}
    if isinstance(row, dict):
        return row
    return {"data": plain(row)} if boxed else plain(row)


def plain(value):
    """Return a numpy value, a tensor or a datetime as JSON."""
    if hasattr(value, "toarray"):
        return value.toarray()[0].tolist()
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.isoformat() if hasattr(value, "isoformat") else value
