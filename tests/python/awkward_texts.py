"""Texts for contents that are hard to find in a rendered text again, or to cut into tokens."""

from __future__ import annotations

from hypothesis import strategies as st

# Surrogates are not text, and chatmill does not expect noncharacters in contents.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters=[chr(c) for c in range(0xFDD0, 0xFDF0)])
EDGES = ["", " ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u00a0", "\u3000", "'s", "  x", "<|im", "</", "0"]
SCRIPTS = ["👩‍👩‍👧", "🇩🇪", "é", "e\u0301", "ﬁ", "好", "مرحبا", "٣", "हिन्दी"]
AWKWARD = [*EDGES, *SCRIPTS]
