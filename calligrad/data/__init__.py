"""Data: sets by name, datasets, loaders that bring them to a model in batches, transforms, tokenizers."""

from calligrad.data import transforms
from calligrad.data.collation import collate
from calligrad.data.datasets import (
    ArrayDataset,
    ConcatDataset,
    Dataset,
    Subset,
    Transformed,
    random_split,
    stratified_split,
)
from calligrad.data.loader import DataLoader
from calligrad.data.named import load
from calligrad.data.samplers import (
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StratifiedSampler,
    WeightedRandomSampler,
)
from calligrad.data.tokenizers import BPETokenizer, CharTokenizer

__all__ = [
    "ArrayDataset",
    "BPETokenizer",
    "CharTokenizer",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StratifiedSampler",
    "Subset",
    "Transformed",
    "WeightedRandomSampler",
    "collate",
    "load",
    "random_split",
    "stratified_split",
    "transforms",
]
