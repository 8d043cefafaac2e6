"""A model that is a folder: what its files may name, and that they are those that are listed."""

import json
from pathlib import Path

import pytest

from scaffold.errors import NotAModelError, UntrustedCodeError
from scaffold.find import find_model
from scaffold.read import read_artifact
from scaffold.spec import Artifact, ModelFormat

BERT = {"architectures": ["BertForSequenceClassification"], "model_type": "bert"}
SPACY = """[nlp]
lang = "en"
pipeline = ["tagger"]
[nlp.tokenizer]
@tokenizers = "spacy.Tokenizer.v1"
[components.tagger]
factory = "tagger"
[training.optimizer]
@optimizers = "Adam.v1"
"""
MODULES = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]


def transformers_folder(folder: Path, config: object = BERT, **others: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text(json.dumps(config))
    for name, content in others.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def spacy_folder(folder: Path, config: str = SPACY) -> Path:
    folder.mkdir()
    (folder / "meta.json").write_text("{}")
    (folder / "config.cfg").write_text(config)
    return folder


def artifact_of(folder: Path, *trusted: str) -> Artifact:
    return read_artifact(find_model(str(folder)).path, trusted=trusted)


def test_a_folder_becomes_a_list_of_its_files_with_their_hashes(tmp_path: Path) -> None:
    folder = transformers_folder(tmp_path / "m", tokenizer_config={"tokenizer_class": "BertTokenizer"})
    found = artifact_of(folder)
    assert (found.format, found.task) == (ModelFormat.TRANSFORMERS, "text-classification")
    assert set(json.loads(found.path.read_bytes())["files"]) == {
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
    }
    before = found.sha256
    assert artifact_of(folder).sha256 == before
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert artifact_of(folder).sha256 != before


def test_a_network_without_a_tokenizer_is_loaded_by_its_class(tmp_path: Path) -> None:
    assert artifact_of(transformers_folder(tmp_path / "m")).task == "AutoModelForSequenceClassification"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({**BERT, "auto_map": {"AutoModel": "modeling.Mine"}}, "auto_map"),
        ({**BERT, "text": {"deep": [{"custom_pipelines": {"x": {"impl": "a.B"}}}]}}, "custom_pipelines"),
        ({**BERT, "quantization_config": {"quant_method": "torchao"}}, "quantization_config"),
        ({**BERT, "_attn_implementation": "someone/kernel"}, "someone/kernel"),
    ],
)
def test_a_folder_that_asks_for_code_is_refused(tmp_path: Path, config: object, name: str) -> None:
    with pytest.raises(UntrustedCodeError, match=rf"{name} in config\.json"):
        artifact_of(transformers_folder(tmp_path / "m", config))


def test_code_of_a_repository_is_opened_by_no_trust(tmp_path: Path) -> None:
    folder = transformers_folder(tmp_path / "m", tokenizer_config={"auto_map": {"AutoTokenizer": ["t.T"]}})
    with pytest.raises(UntrustedCodeError, match="No --trust opens auto_map"):
        artifact_of(folder, "auto_map")


def test_weights_that_are_a_pickle_and_code_are_left_out(tmp_path: Path) -> None:
    folder = transformers_folder(tmp_path / "m")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling.py").write_text("")
    found = find_model(str(folder))
    assert found.declared.notes == ("of the folder modeling.py, pytorch_model.bin is left out",)
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotAModelError, match=r"in no file \*\.safetensors") as caught:
        find_model(str(folder))
    assert "save_pretrained" in str(caught.value)


def test_a_class_of_another_library_in_sentence_transformers_is_refused(tmp_path: Path) -> None:
    others = {"config_sentence_transformers": {"model_type": "SentenceTransformer"}}
    folder = transformers_folder(tmp_path / "m", modules=MODULES, **others)
    assert artifact_of(folder).format is ModelFormat.SENTENCE_TRANSFORMERS
    (folder / "modules.json").unlink()
    evil = [*MODULES, {"idx": 1, "name": "1", "path": "", "type": "subprocess.Popen"}]
    transformers_folder(folder, modules=evil, **others)
    with pytest.raises(UntrustedCodeError, match=r"subprocess\.Popen in modules\.json"):
        artifact_of(folder)
    assert artifact_of(folder, "subprocess.Popen")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('[nlp.x]\n@misc = "mine.v1"', "mine.v1"),
        ('[nlp.x]\n@misc = "spacy.copy_from_base_model.v1"', "spacy.copy_from_base_model.v1"),
        ("[nlp.x]\n@misc = ${paths.train}", r"\$\{paths\.train\}"),
        ('[nlp.x]\ny = {"\\u0040misc": "mine.v1"}', "mine.v1"),
        ('[components.mine]\nfactory = "mine"', "mine"),
        ('[components.mine]\nsource = "other"', "other"),
        ('[x]\nlang = "..os"', r"\.\.os"),
    ],
)
def test_a_function_that_spacy_does_not_have_is_refused(tmp_path: Path, line: str, name: str) -> None:
    with pytest.raises(UntrustedCodeError, match=rf"{name} in config\.cfg"):
        artifact_of(spacy_folder(tmp_path / "m", f"{SPACY}{line}\n"))


def test_a_pipeline_of_spacy_passes_and_a_component_of_another_package_where_it_is_trusted(
    tmp_path: Path,
) -> None:
    assert artifact_of(spacy_folder(tmp_path / "a")).format is ModelFormat.SPACY
    folder = spacy_folder(tmp_path / "b", SPACY.replace('factory = "tagger"', 'factory = "mine"'))
    assert artifact_of(folder, "mine").format is ModelFormat.SPACY


def test_files_that_are_not_those_that_are_listed_are_refused(tmp_path: Path) -> None:
    listed = find_model(str(transformers_folder(tmp_path / "m"))).path
    extra = listed.parent / "files" / "tokenizer_config.json"
    extra.write_text("{}")
    with pytest.raises(NotAModelError, match=r"tokenizer_config\.json is new"):
        read_artifact(listed)
    extra.unlink()
    config = listed.parent / "files" / "config.json"
    config.unlink()
    config.symlink_to("/etc/hostname")
    with pytest.raises(NotAModelError, match=r"config\.json is a symbolic link"):
        read_artifact(listed)
    config.unlink()
    config.write_text("{}")
    with pytest.raises(NotAModelError, match=r"config\.json is another file than is listed"):
        read_artifact(listed)


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.json"])
def test_a_list_that_leads_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    listed = find_model(str(transformers_folder(tmp_path / "m"))).path
    listed.write_text(listed.read_text().replace('"config.json"', f'"{name}"'))
    with pytest.raises(NotAModelError, match="its list of files"):
        read_artifact(listed)
