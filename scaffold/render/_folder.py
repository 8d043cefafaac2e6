"""The part of `app/score.py` that loads a model that is a folder."""

from __future__ import annotations

from scaffold.base.folder import AUTO_MODELS, FORMATS
from scaffold.base.layout import SERVING
from scaffold.base.templates import template_path
from scaffold.spec import Artifact, ModelFormat

_FOLDER = "folder = checked_folder(file, MODEL.parent)"
_SAFE = 'model_kwargs={"use_safetensors": True},'


def folder_imports(artifact: Artifact) -> list[str]:
    """Return the imports for a model that is a folder; none for any other."""
    if artifact.format not in FORMATS:
        return []
    names = "SpacyTexts, checked_folder" if artifact.format is ModelFormat.SPACY else "checked_folder"
    imports = [f"from app.serving.model_folder import {names}"]
    if artifact.format is ModelFormat.PYTHON_FUNCTION:
        imports.append("from app.serving.python_function import PythonFunction")
    return imports


def folder_files(artifact: Artifact) -> dict[str, str]:
    """Return the code that checks a model that is a folder, by path; nothing for any other."""
    if artifact.format not in FORMATS:
        return {}
    names = ["model_folder.py"]
    if artifact.format is ModelFormat.PYTHON_FUNCTION:
        names.append("python_function.py")
    return {f"{SERVING}/{name}": (template_path("service") / name).read_text("utf-8") for name in names}


def load_lines(artifact: Artifact) -> tuple[list[str], frozenset[str]]:
    """Return the statements that make `_model` of the folder beside the open `file`, and their modules."""
    match artifact.format:
        case ModelFormat.SPACY:
            return [_FOLDER, "_model = SpacyTexts(spacy.load(folder))"], frozenset({"spacy"})
        case ModelFormat.PYTHON_FUNCTION:
            return [_FOLDER, "_model = PythonFunction(folder)"], frozenset()
        case ModelFormat.SENTENCE_TRANSFORMERS:
            arguments = ["folder,", 'device="cpu",', "local_files_only=True,", _SAFE]
            call, module = "sentence_transformers.SentenceTransformer", "sentence_transformers"
        case _ if artifact.task in AUTO_MODELS:
            arguments = [f'"{artifact.task}",', "model=folder,", 'device="cpu",', _SAFE]
            call, module = "transformers.pipeline", "transformers"
        case _:
            arguments = ["folder,", "use_safetensors=True,", "local_files_only=True,"]
            call, module = f"transformers.{artifact.task}.from_pretrained", "transformers"
    lines = [_FOLDER, f"_model = {call}(", *(f"    {argument}" for argument in arguments), ")"]
    return lines, frozenset({module})
