"""The label of tokens that are not trained."""

#: PyTorch's cross entropy ignores this label by default.
MASKED = -100
