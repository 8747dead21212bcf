"""A release as Python sees it: tables, and torch datasets, the only ones here that import torch."""
