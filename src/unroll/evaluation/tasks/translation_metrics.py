"""Quality of translations: BLEU (Papineni et al. 2002), chrF (Popović 2015) and exact match, by source length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.evaluation.result import Evaluation, Metrics
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import translation
from unroll.evaluation.tasks.translation import attention_weights
from unroll.models.base.protocol import ConditionalModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL, UNK

LENGTHS = (5, 10, 15, 20, 30, 50)
"""The largest source length in tokens of each group. Longer sources form a last group."""
DIGITS = 10
"""The decimal places of BLEU and chrF. sacrebleu adds by `sum`, whose last bits differ from Python 3.12 on."""


def measure(subject: Subject) -> Evaluation | None:
    """Translate the test sources by beam search, and compare the translations with the references."""
    if not isinstance(subject.model, ConditionalModel):
        return None
    params, sources = subject.params, subject.sources("test")
    searched = translation.translate(subject.model, sources, params.batch_size, params.translation)
    best = [hypotheses[0].tokens for hypotheses in searched]
    targets = [target[:-1] for target in subject.documents["test"]]
    # An unknown word is never right, even where the reference has one.
    exact = [np.array_equal(a, b) and UNK not in b for a, b in zip(best, targets, strict=True)]
    translations = [subject.tokenizer.decode(tokens).replace(SPECIAL[UNK], "\ufffd") for tokens in best]
    references = [subject.tokenizer.decode(tokens) for tokens in targets]
    metrics = score(translations, references, exact) | {
        "by_source_length": score_by_length([len(source) for source in sources], translations, references, exact)
    }
    rows = range(min(params.samples, len(best)))
    samples = "".join(
        f"source:      {subject.source_tokenizer.decode(sources[row])}\n"
        f"reference:   {references[row]}\ntranslation: {translations[row]}\n\n"
        for row in rows
    )
    attention = [weights for row in rows if (weights := _attention(subject, sources[row], best[row]))]
    return Evaluation(metrics, samples, {"attention": attention})


def score(translations: Sequence[str], references: Sequence[str], exact: Sequence[bool]) -> Metrics:
    """Score translations with sacrebleu (Post 2018).

    Args:
        translations: The translations.
        references: The reference of each translation.
        exact: Whether each translation has the same tokens as its reference.

    Returns:
        `exact_match`; `bleu` and `chrf` of the corpus with their signatures; and `length_ratio`, the number of words of
        all translations divided by that of all references.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(force=True), CHRF()  # `force` omits the warning about texts that are already tokenized
    return {
        "exact_match": float(np.mean(exact)),
        "bleu": round(bleu.corpus_score(list(translations), [list(references)]).score, DIGITS),
        "chrf": round(chrf.corpus_score(list(translations), [list(references)]).score, DIGITS),
        "length_ratio": sum(len(text.split()) for text in translations)
        / max(1, sum(len(text.split()) for text in references)),
        "bleu_signature": str(bleu.get_signature()),
        "chrf_signature": str(chrf.get_signature()),
    }


def score_by_length(
    lengths: Sequence[int], translations: Sequence[str], references: Sequence[str], exact: Sequence[bool]
) -> list[Metrics]:
    """Score groups of sentences by the length of their sources.

    Args:
        lengths: The number of tokens of each source.
        translations: The translations.
        references: The reference of each translation.
        exact: Whether each translation has the same tokens as its reference.

    Returns:
        A row for each group of `LENGTHS` that has a sentence: the first and the last length, the number of sentences
        and their scores.
    """
    groups = np.searchsorted(LENGTHS, lengths)
    results = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group).tolist()
        part = score([translations[i] for i in rows], [references[i] for i in rows], [exact[i] for i in rows])
        first = LENGTHS[group - 1] + 1 if group else 1
        last = LENGTHS[group] if group < len(LENGTHS) else max(lengths)
        numbers = {name: value for name, value in part.items() if isinstance(value, float)}
        results.append({"first": first, "last": int(last), "sentences": len(rows), **numbers})
    return results


def _attention(subject: Subject, source: Ids, target: Ids) -> dict[str, Any] | None:
    """Return the words and the attention weights of a translation; None for a model without attention."""
    if (weights := attention_weights(subject.model, source, np.append(target, EOS))) is None:
        return None
    spelled = [
        [tokenizer.id_to_token(int(token)) for token in (*tokens, EOS)]
        for tokenizer, tokens in ((subject.source_tokenizer, source), (subject.tokenizer, target))
    ]
    return {"source": spelled[0], "target": spelled[1], "weights": np.round(weights.astype(np.float64), 4)}
