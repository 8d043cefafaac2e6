"""Write the broken files of this folder: tiny, and with one fault each. Run it again after a change here."""

import gzip
import io
import pickle
import pickletools
import zipfile
from pathlib import Path

HERE = Path(__file__).parent


class Trap:
    def __reduce__(self):
        import os

        return os.system, ("touch PWNED",)


def archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("notes.txt"), content)
    return buffer.getvalue()


def named(module: str, name: str) -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b")\x81."


WHOLE = pickletools.optimize(pickle.dumps({"weights": [1.5] * 9}, protocol=4))

FILES = {
    "empty.pkl": b"",
    "text.pkl": b"This is no model.\n",
    "table.pkl": b"id,name\n1,a\n2,b\n",
    "page.pkl": b"<!DOCTYPE html>\n<title>Sign in</title>\n",
    "pointer.pkl": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "cut.pkl": WHOLE[:-8],
    "cut.pkl.gz": gzip.compress(WHOLE * 9, mtime=0)[:-20],
    "cut.onnx": b"\x08\x08\x12\x04skl2\x3a\x7fgraph",
    "garbled.pkl": WHOLE[:-1] + b"\xff.",
    "trap.pkl": pickle.dumps(Trap(), protocol=2),
    "archive.zip": archive(b"nothing of torch"),
    "cut.zip": archive(b"nothing of torch" * 9)[:60],
    "no_library.pkl": named("sksurv.linear_model", "CoxPHSurvivalAnalysis"),
    "no_module.pkl": named("churn_of_nobody.features", "Ratio"),
    "old_library.pkl": named("sklearn.ensemble.forest", "RandomForestClassifier"),
}

if __name__ == "__main__":
    for name, content in FILES.items():
        (HERE / name).write_bytes(content)
