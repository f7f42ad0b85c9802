"""Labels are scored, not generated: the probability of each as the answer, and nothing else.

One pass reads the prompt, or what of it is new; one more feeds the inner tokens of all labels as a
tree (`labels`), whatever their number.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augursql.engine.generation.decoder import Ids, Logits
from augursql.engine.generation.decoding import Decoding
from augursql.engine.generation.labels import ROOT, LabelTrie
from augursql.engine.generation.prefixes import Trunk, prefix_order
from augursql.types import Monitor

# Nodes of the tree that are fed together: each has logits for the whole vocabulary.
_PIECE = 128


def score(
    decoder: Decoding, trunk: Trunk, prompts: Sequence[Ids], trie: LabelTrie, monitor: Monitor
) -> NDArray[np.float64]:
    """The probability of each label behind each prompt, float64 [prompts, labels].

    Raises ModelError, and what `monitor.check` raises on a cancel.
    """
    found = np.empty((len(prompts), trie.count))
    trunk.reserve(max(map(len, prompts), default=0) + len(trie.tokens))
    for place in prefix_order(prompts):
        root = trunk.read(prompts[place], monitor.check)
        scores = _scores(decoder, trunk, trie, root, len(prompts[place]))
        found[place] = trie.probabilities(scores, 1)[0]
        monitor.advance(1)
    return found


def _scores(
    decoder: Decoding, trunk: Trunk, trie: LabelTrie, root: Logits, start: int
) -> list[NDArray[np.float64]]:
    """What each branching is decided by, in their order."""
    found: dict[int, NDArray[np.float64]] = {}
    for number, branching in enumerate(trie.branchings):
        if branching.fed == ROOT:
            found[number] = branching.scores(root[None])
    for first in range(0, len(trie.tokens), _PIECE):
        nodes = range(first, min(first + _PIECE, len(trie.tokens)))
        logits = decoder.branch(trunk.cache, trie.tokens, trie.depths, trie.attends, start, nodes)
        for number, branching in enumerate(trie.branchings):
            if branching.fed in nodes:
                found[number] = branching.scores(logits[branching.fed - first][None])
    return [found[number] for number in range(len(trie.branchings))]
