"""SAM 3 video with random weights and a tokenizer of a few words, small enough to run quickly."""

from pathlib import Path

import torch

SIDE, PATCH, CHANNELS = 56, 14, 128
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "ball", "red", "a", "the", "chases"]


def tiny_sam3(seed: int = 0, **changes):
    """A Sam3VideoModel that takes nearly everything for a detection."""
    from transformers import Sam3VideoConfig
    from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoModel

    part = {"hidden_size": CHANNELS, "num_layers": 1, "num_attention_heads": 2}
    part["intermediate_size"] = 32
    detector = {
        "model_type": "sam3",
        "vision_config": _vision(),
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "intermediate_size": 32,
            "projection_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 32,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
        "geometry_encoder_config": part,
        "detr_encoder_config": part,
        "detr_decoder_config": {**part, "num_queries": 6},
        "mask_decoder_config": {"hidden_size": CHANNELS, "num_attention_heads": 2},
    }
    tracker = {
        "model_type": "sam3_tracker_video",
        "vision_config": _vision(),
        "prompt_encoder_config": {
            "hidden_size": CHANNELS,
            "image_size": SIDE,
            "patch_size": PATCH,
            "mask_input_channels": 4,
        },
        "mask_decoder_config": {
            "hidden_size": CHANNELS,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
        "memory_attention_hidden_size": CHANNELS,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_encoder_hidden_size": CHANNELS,
        "memory_encoder_output_channels": 64,
        "mask_downsampler_embed_dim": CHANNELS,
        "memory_fuser_embed_dim": CHANNELS,
        "memory_fuser_intermediate_dim": 32,
        "memory_fuser_num_layers": 1,
        "memory_attention_rope_feat_sizes": [SIDE // PATCH, SIDE // PATCH],
        "image_size": SIDE,
    }
    options = {
        "low_res_mask_size": 4 * SIDE // PATCH,
        "score_threshold_detection": 0.0,
        "new_det_thresh": 0.0,
        "hotstart_delay": 0,
        "max_num_objects": 2,
        **changes,
    }
    config = Sam3VideoConfig(detector_config=detector, tracker_config=tracker, **options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Sam3VideoModel(config).eval()


def save_tokenizer(folder: Path) -> Path:
    """A tokenizer whose words are those of `WORDS`."""
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def _vision() -> dict:
    grid = SIDE // PATCH
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIDE,
        "patch_size": PATCH,
        "window_size": 2,
        "global_attn_indexes": [1],
        "pretrain_image_size": SIDE,
    }
    return {
        "model_type": "sam3_vision_model",
        "backbone_config": backbone,
        "fpn_hidden_size": CHANNELS,
        "backbone_feature_sizes": [[4 * grid] * 2, [2 * grid] * 2, [grid] * 2],
    }
