"""100,000 hostile rows over all tokenizers and templates of the corpus: none writes a control token.

python tests/attacks/control_tokens.py [--rows 100000]
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from chatmill import ChatmillError, ChatTemplate, Tokenizer
from hostile_rows import violations
from reference import CORPUS, corpus_template, template_names, tokenizer_folder

PER_PAIR = 25


def main() -> None:
    """Run the attack, and exit with status 1 if a row wrote a control token."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    wanted = parser.parse_args().rows
    tokenizers = [
        Tokenizer.from_pretrained(tokenizer_folder(it.parent.name))
        for it in sorted((CORPUS / "tokenizers").glob("*/tokenizer.json"))
    ]
    sources = template_names()
    started, compared, rejected, wrong, pair = time.monotonic(), 0, 0, 0, 0
    while compared < wanted:
        tokenizer, source = tokenizers[pair % len(tokenizers)], sources[pair * 7 % len(sources)]
        pair += 1
        try:
            template = ChatTemplate(corpus_template(source), **tokenizer.special_tokens)
        except ChatmillError:
            continue
        rows, failed, found = violations(tokenizer, template, PER_PAIR, seed=pair)
        compared, rejected, wrong = compared + rows, rejected + failed, wrong + len(found)
        for row in found:
            print(f"{tokenizer.name}, {source}: {row}")
    seconds = time.monotonic() - started
    print(f"{compared:,} rows, {rejected:,} rejected, {wrong} wrote a control token ({seconds:.0f} s)")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
