"""`RECIPES`: what each class of transformers builds around a vocabulary."""

from chatmill.sources.auto_tokenizer.recipes.byte_level import BYTE_LEVEL
from chatmill.sources.auto_tokenizer.recipes.recipe import AS_IT_IS, Recipe, Settings
from chatmill.sources.auto_tokenizer.recipes.spaces import SPACES
from chatmill.sources.auto_tokenizer.recipes.unigram import UNIGRAM
from chatmill.sources.auto_tokenizer.recipes.words import WORDS

#: The recipe of each class. Classes that use `tokenizer.json` as it is have one without a model.
RECIPES: dict[str, Recipe] = {
    **BYTE_LEVEL,
    **SPACES,
    **UNIGRAM,
    **WORDS,
    "ParakeetTokenizer": AS_IT_IS,
}

__all__ = ["AS_IT_IS", "RECIPES", "Recipe", "Settings"]
