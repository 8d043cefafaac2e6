"""A pipeline of transformers with a tiny model of random weights."""

import tempfile
from pathlib import Path

import torch
from save import save
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

torch.manual_seed(0)
folder = tempfile.mkdtemp()
words = ["open", "close", "the", "door", "car", "hat", "a", "new"]
Path(folder, "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
shape = BertConfig(
    vocab_size=13, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
)
network = BertForSequenceClassification(shape).eval()
model = pipeline(
    "text-classification", model=network, tokenizer=BertTokenizerFast(f"{folder}/vocab.txt"), device="cpu"
)
texts = ["open the door", "close the car", "a new hat", "the new door", "open a hat"]
save(model, texts, model(texts))
