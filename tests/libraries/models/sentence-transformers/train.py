"""A tiny sentence transformer that is made from a configuration."""

import tempfile
from pathlib import Path

import torch
from save import save
from sentence_transformers import SentenceTransformer, models
from transformers import BertConfig, BertModel, BertTokenizerFast

torch.manual_seed(0)
folder = tempfile.mkdtemp()
words = ["open", "close", "the", "door", "car", "hat", "a", "new"]
Path(folder, "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
BertTokenizerFast(f"{folder}/vocab.txt").save_pretrained(folder)
shape = BertConfig(
    vocab_size=13, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
)
BertModel(shape).save_pretrained(folder)
part = models.Transformer(folder)
model = SentenceTransformer(modules=[part, models.Pooling(8), models.Normalize()], device="cpu").eval()
texts = ["open the door", "close the car", "a new hat", "the new door", "open a hat"]
save(model, texts, model.encode(texts))
