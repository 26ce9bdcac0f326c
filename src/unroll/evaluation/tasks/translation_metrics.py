"""How good translations are: BLEU (Papineni et al. 2002), chrF (Popović 2015), exact match, by the source's length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import translation
from unroll.evaluation.tasks.attention import alignment
from unroll.models.base.protocol import ConditionalModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL, UNK

LENGTHS = (5, 10, 15, 20, 30, 50)
"""Borders of the groups by source length in tokens; a last group holds what is longer."""

Metrics = dict[str, Any]


def scores(answers: Sequence[str], references: Sequence[str], exact: Sequence[bool]) -> Metrics:
    """`exact` tells which answers are the reference, token by token. BLEU and chrF are sacrebleu's, of the corpus, with
    the signatures that say how (Post 2018); `length_ratio` is words of all answers over words of all references."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(force=True), CHRF()  # our texts may well be tokenized: no warning
    return {
        "exact_match": float(np.mean(exact)),
        "bleu": bleu.corpus_score(list(answers), [list(references)]).score,
        "chrf": chrf.corpus_score(list(answers), [list(references)]).score,
        "length_ratio": sum(len(text.split()) for text in answers)
        / max(1, sum(len(text.split()) for text in references)),
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }


def by_length(
    lengths: Sequence[int], answers: Sequence[str], references: Sequence[str], exact: Sequence[bool]
) -> list[Metrics]:
    """The same for groups of sentences with sources of like length; groups without a sentence are left out."""
    groups = np.searchsorted(LENGTHS, lengths)
    found = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        own = rows.tolist()
        part = scores([answers[row] for row in own], [references[row] for row in own], [exact[row] for row in own])
        first = LENGTHS[group - 1] + 1 if group else 1
        last = LENGTHS[group] if group < len(LENGTHS) else max(lengths)
        numbers = {name: value for name, value in part.items() if isinstance(value, float)}
        found.append({"first": first, "last": int(last), "sentences": len(rows), **numbers})
    return found


def measure(subject: Subject) -> Evaluation | None:
    """Translate the test sources by beam search, and compare the translations with the references."""
    if not isinstance(subject.model, ConditionalModel):
        return None
    params, sources = subject.params, subject.sources("test")
    searched = translation.translate(subject.model, sources, params.batch_size, params.translation)
    found = [hypotheses[0].tokens for hypotheses in searched]
    references = [target[:-1] for target in subject.documents["test"]]
    # An unknown word is never right, even where the reference has one.
    exact = [np.array_equal(a, b) and UNK not in b for a, b in zip(found, references, strict=True)]
    answers = [subject.tokenizer.decode(tokens).replace(SPECIAL[UNK], "\ufffd") for tokens in found]
    written = [subject.tokenizer.decode(tokens) for tokens in references]
    metrics = scores(answers, written, exact) | {
        "by_source_length": by_length([len(source) for source in sources], answers, written, exact)
    }
    rows = range(min(params.samples, len(found)))
    samples = "".join(
        f"source:      {subject.source_tokenizer.decode(sources[row])}\n"
        f"reference:   {written[row]}\ntranslation: {answers[row]}\n\n"
        for row in rows
    )
    attention = [weights for row in rows if (weights := _attention(subject, sources[row], found[row]))]
    return Evaluation(metrics, samples, {"attention": attention})


def _attention(subject: Subject, source: Ids, target: Ids) -> dict[str, Any] | None:
    """The words and the attention weights of a translation; None for a model without attention."""
    if (weights := alignment(subject.model, source, np.append(target, EOS))) is None:
        return None
    spelled = [
        [tokenizer.token(int(token)) for token in (*tokens, EOS)]
        for tokenizer, tokens in ((subject.source_tokenizer, source), (subject.tokenizer, target))
    ]
    return {"source": spelled[0], "target": spelled[1], "weights": np.round(weights.astype(np.float64), 4)}
