"""One answer in the making: its tokens so far, what its grammar forces, and when it is over."""

import math
from collections import deque

import numpy as np

from augursql.engine.generation.chat import Chat
from augursql.engine.generation.constraint import Matcher
from augursql.engine.generation.decoder import Ids
from augursql.engine.generation.sampling import RowState, Sampling
from augursql.engine.generation.stops import Stops


class AnswerRow:
    """A prompt, int64 [tokens], and the at most `most` tokens that are written behind it.

    `prompt` includes what the grammar makes every answer begin with. `ids` are the answer's tokens,
    without an end token.
    """

    def __init__(
        self, chat: Chat, prompt: Ids, sampling: Sampling, matcher: Matcher | None, most: int
    ) -> None:
        self.matcher = matcher
        self.most = most
        self.state = RowState(sampling, prompt.tolist())
        self.ids: list[int] = []
        self.over = False
        self.log_probability, self._chosen = 0.0, 0
        self._chat = chat
        self._stops = Stops(chat, (*chat.stop, *sampling.stop) if matcher is None else ())
        self._fed = deque[int]()
        if matcher is not None:
            self._append(matcher.begin(most))
            self.over = matcher.finished
        self.prompt = np.concatenate([prompt, np.array(self.ids, np.int64)])
        self._fed.clear()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.over or len(self.ids) >= self.most

    @property
    def ended(self) -> bool:
        """Whether it was not cut: it ended by itself, or was brought to an end of its grammar."""
        return self.over if self.matcher is None else self.matcher.complete

    @property
    def wants(self) -> bool:
        """Whether its next token has to be chosen, because all others were fed."""
        return not self._fed

    def next(self) -> int:
        """The next token to be fed."""
        return self._fed.popleft()

    def take(self, token: int, log_probability: float) -> None:
        """Goes on by a chosen token, and by what the grammar then forces."""
        self.log_probability += log_probability
        self._chosen += 1
        if self.matcher is not None:
            self._append(self.matcher.take(token, self.most - len(self.ids)))
            self.over = self.over or self.matcher.finished
        else:
            self._append([token])

    @property
    def confidence(self) -> float:
        """exp of the mean log-probability of the tokens that were chosen; 1 where none was."""
        return math.exp(self.log_probability / self._chosen) if self._chosen else 1.0

    @property
    def text(self) -> str:
        """The answer; white space around free text is not part of it."""
        text = self._chat.text(self.ids)
        return text if self.matcher is not None else self._stops.cut(text).strip()

    def _append(self, tokens: list[int]) -> None:
        for token in tokens:
            if token in self._chat.end_ids:
                self.over = True
                return
            self.ids.append(token)
            self._fed.append(token)
            self.state.append(token)
        if self._stops.reached(self.ids, len(tokens)):
            self.over = True
