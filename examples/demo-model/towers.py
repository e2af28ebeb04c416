"""The two encoders of Intern-S1-Pro in PyTorch, small: pictures (a Qwen3-VL vision transformer without deepstack) and time series.

Parameters have the names of the checkpoint behind `model.visual.` and `model.time_series.`. Forward passes take batches of
equal size, which is all the training needs; the arithmetic is that of the published definition.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

VISION = {"depth": 3, "hidden_size": 96, "intermediate_size": 384, "num_heads": 3, "hidden_act": "gelu_pytorch_tanh",
          "in_channels": 3, "patch_size": 16, "temporal_patch_size": 2, "spatial_merge_size": 2, "out_hidden_size": 192,
          "num_position_embeddings": 256}
SERIES = {"d_model": 96, "encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 384,
          "activation_function": "gelu", "num_mel_bins": 64, "max_source_positions": 128, "scale_embedding": False,
          "ts_adapt_in_dim": 128, "ts_adapt_out_dim": 128, "ts_hidden_dim": 128, "out_hidden_size": 192}
LOCAL = {"heads": 8, "ffn": 128, "positions": 320}      # sizes that a reader takes from the tensors


def position_table(weight, rows, cols):
    """[rows * cols, width], row by row: the square grid of learned positions, stretched to the picture."""
    side = math.isqrt(weight.shape[0])
    grid = weight.view(side, side, -1)

    def mix(count):
        at = torch.linspace(0, side - 1, count)
        low = at.long()
        return low, (low + 1).clamp_max(side - 1), (at - low)

    r0, r1, dr = mix(rows)
    c0, c1, dc = mix(cols)
    dr, dc = dr[:, None, None], dc[None, :, None]
    mixed = ((1 - dr) * (1 - dc) * grid[r0][:, c0] + (1 - dr) * dc * grid[r0][:, c1]
             + dr * (1 - dc) * grid[r1][:, c0] + dr * dc * grid[r1][:, c1])
    return mixed.reshape(rows * cols, -1)


def merge_order(rows, cols, merge=2):
    """Row and column of each patch: blocks of merge x merge stay together."""
    r = torch.arange(rows).view(rows // merge, 1, merge, 1).expand(-1, cols // merge, -1, merge)
    c = torch.arange(cols).view(1, cols // merge, 1, merge).expand(rows // merge, -1, merge, -1)
    return r.reshape(-1), c.reshape(-1)


class PatchEmbed(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.proj = nn.Conv3d(cfg["in_channels"], cfg["hidden_size"],
                              (cfg["temporal_patch_size"], cfg["patch_size"], cfg["patch_size"]))

    def forward(self, x):
        return F.linear(x, self.proj.weight.flatten(1), self.proj.bias)


class VisionAttention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads = cfg["num_heads"]
        self.qkv = nn.Linear(cfg["hidden_size"], 3 * cfg["hidden_size"])
        self.proj = nn.Linear(cfg["hidden_size"], cfg["hidden_size"])

    def forward(self, x, cos, sin):
        rows, n, width = x.shape
        q, k, v = self.qkv(x).view(rows, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        half = lambda t: torch.cat([-t[..., t.shape[-1] // 2:], t[..., :t.shape[-1] // 2]], -1)
        q, k = q * cos + half(q) * sin, k * cos + half(k) * sin
        share = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        return self.proj((share @ v).transpose(1, 2).reshape(rows, n, width))


class VisionMLP(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.linear_fc1, self.linear_fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.linear_fc2(F.gelu(self.linear_fc1(x), approximate="tanh"))


class VisionBlock(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(cfg["hidden_size"], eps=1e-6) for _ in range(2))
        self.attn, self.mlp = VisionAttention(cfg), VisionMLP(cfg["hidden_size"], cfg["intermediate_size"])

    def forward(self, x, cos, sin):
        x = x + self.attn(self.norm1(x), cos, sin)
        return x + self.mlp(self.norm2(x))


class Merger(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.width = cfg["hidden_size"] * cfg["spatial_merge_size"] ** 2
        self.norm = nn.LayerNorm(cfg["hidden_size"], eps=1e-6)
        self.linear_fc1 = nn.Linear(self.width, self.width)
        self.linear_fc2 = nn.Linear(self.width, cfg["out_hidden_size"])

    def forward(self, x):
        x = self.norm(x).reshape(x.shape[0], -1, self.width)
        return self.linear_fc2(F.gelu(self.linear_fc1(x)))


class Vision(nn.Module):
    """uint8 [pictures, patches, 768] of one frame each -> [pictures, patches / 4, width of the decoder]."""

    def __init__(self, cfg=VISION):
        super().__init__()
        self.cfg = cfg
        self.patch_embed = PatchEmbed(cfg)
        self.pos_embed = nn.Embedding(cfg["num_position_embeddings"], cfg["hidden_size"])
        self.blocks = nn.ModuleList(VisionBlock(cfg) for _ in range(cfg["depth"]))
        self.merger = Merger(cfg)

    def forward(self, pixels, rows=4, cols=8):
        cfg = self.cfg
        width = cfg["hidden_size"]
        x = (pixels.float() - 127.5) / 127.5
        weight = self.patch_embed.proj.weight.sum(2)             # both frames of a picture are the same
        x = F.linear(x, weight.flatten(1), self.patch_embed.proj.bias)
        r, c = merge_order(rows, cols, cfg["spatial_merge_size"])
        x = x + position_table(self.pos_embed.weight, rows, cols)[r * cols + c]
        quarter = width // cfg["num_heads"] // 4
        f = 10000.0 ** (-torch.arange(quarter, dtype=torch.float32) / quarter)
        angle = torch.cat([r[:, None] * f, c[:, None] * f], 1)
        angle = torch.cat([angle, angle], 1)
        cos, sin = angle.cos(), angle.sin()
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.merger(x)

    def start(self, gen):
        """First weights: everything drawn with the scale that its number of inputs asks for."""
        for name, p in self.named_parameters():
            if p.dim() == 1:
                continue
            fan = p[0].numel()
            scale = 0.02 if "pos_embed" in name else fan ** -0.5
            p.data = torch.randn(p.shape, generator=gen) * scale * (0.5 if "proj.weight" in name and "attn" in name or
                                                                    "fc2" in name and "blocks" in name else 1.0)


# ----------------------------------------------------------------------------------------------------------- time series


def stride_of(rate):
    """Samples between two patches, in F32 as the encoder defines it."""
    rate = torch.tensor(float(rate), dtype=torch.float32)
    return int((160 / (1 + torch.exp(-rate / 100)) ** 6).floor())


class PositionalEncoding(nn.Module):
    def __init__(self, width, length):
        super().__init__()
        at = torch.arange(length, dtype=torch.float32)[:, None]
        f = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
        pe = torch.zeros(length, 1, width)
        pe[:, 0, 0::2], pe[:, 0, 1::2] = torch.sin(at * f), torch.cos(at * f)
        self.register_buffer("pe", pe)


class LocalEncoder(nn.Module):
    """[patches, samples] -> [patches, width]: one patch at a time."""

    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv1d(1, width, 5, padding=2)
        self.pos_encoder = PositionalEncoding(width, LOCAL["positions"])
        layer = nn.TransformerEncoderLayer(width, LOCAL["heads"], LOCAL["ffn"], dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.Module()
        self.transformer_encoder.layers = nn.ModuleList([layer])

    def forward(self, x):
        n, size = x.shape
        windows = F.pad(x, (2, 2)).unfold(1, 5, 1)
        x = F.relu(F.linear(windows, self.conv.weight[:, 0], self.conv.bias)) + self.pos_encoder.pe[:size, 0]
        layer = self.transformer_encoder.layers[0]
        attn = layer.self_attn
        width, heads = x.shape[-1], LOCAL["heads"]
        q, k, v = F.linear(x, attn.in_proj_weight, attn.in_proj_bias).view(n, size, 3, heads, -1).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, size, width)
        x = layer.norm1(x + attn.out_proj(out))
        x = layer.norm2(x + layer.linear2(F.relu(layer.linear1(x))))
        return x.mean(1)


class SeriesAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))
        self.k_proj = nn.Linear(width, width, bias=False)

    def forward(self, x):
        rows, n, width = x.shape
        split = lambda t: t.view(rows, n, self.heads, -1).transpose(1, 2)
        out = F.scaled_dot_product_attention(split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x)), is_causal=True)
        return self.out_proj(out.transpose(1, 2).reshape(rows, n, width))


class SeriesLayer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width = cfg["d_model"]
        self.self_attn = SeriesAttention(width, cfg["encoder_attention_heads"])
        self.self_attn_layer_norm, self.final_layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, cfg["encoder_ffn_dim"]), nn.Linear(cfg["encoder_ffn_dim"], width)

    def forward(self, x):
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(F.gelu(self.fc1(self.final_layer_norm(x))))


class SeriesEncoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width = cfg["d_model"]
        self.adapt_in = nn.Linear(cfg["ts_adapt_in_dim"], cfg["num_mel_bins"])
        self.conv1 = nn.Conv1d(cfg["num_mel_bins"], width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(cfg["max_source_positions"], width)
        self.layers = nn.ModuleList(SeriesLayer(cfg) for _ in range(cfg["encoder_layers"]))
        self.layer_norm = nn.LayerNorm(width)
        self.adapt_out = nn.Linear(width, cfg["ts_adapt_out_dim"])

    def forward(self, x):
        x = self.adapt_in(x).transpose(1, 2)
        x = F.gelu(self.conv2(F.gelu(self.conv1(x)))).transpose(1, 2)
        x = x + self.embed_positions.weight[:x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.adapt_out(self.layer_norm(x))


class Projector(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.layer_norm = nn.LayerNorm(cfg["ts_adapt_out_dim"])
        self.linear_1 = nn.Linear(cfg["ts_adapt_out_dim"], cfg["out_hidden_size"])
        self.linear_2 = nn.Linear(cfg["out_hidden_size"], cfg["out_hidden_size"])

    def forward(self, x):
        return self.linear_2(F.gelu(self.linear_1(self.layer_norm(x))))


class Series(nn.Module):
    """[signals, samples] normalised, one channel -> [signals, tokens, width of the decoder]."""

    def __init__(self, cfg=SERIES):
        super().__init__()
        self.cfg = cfg
        self.encoder_embed = LocalEncoder(cfg["ts_adapt_in_dim"] // 2)
        self.encoder = SeriesEncoder(cfg)
        self.projector = Projector(cfg)

    def forward(self, x, rate):
        rows, length = x.shape
        stride = stride_of(rate)
        size = 2 * stride
        n = -(-(length - size) // stride) + 1
        x = F.pad(x, (0, (n - 1) * stride + size - length))
        frames = self.encoder_embed(x.unfold(1, size, stride).reshape(rows * n, size)).view(rows, n, -1)
        return self.projector(self.encoder(frames[:, :n // 2 * 2].reshape(rows, n // 2, -1)))

    def start(self, gen):
        for name, p in self.named_parameters():
            if p.dim() > 1:
                fan = p[0].numel()
                scale = 0.02 if "embed_positions" in name else fan ** -0.5
                half = name.endswith(("out_proj.weight", "fc2.weight", "layers.0.linear2.weight"))
                p.data = torch.randn(p.shape, generator=gen) * scale * (0.5 if half else 1.0)


def load(tower, tensors, prefix):
    """Weights of a checkpoint into an encoder."""
    tower.load_state_dict({k[len(prefix):]: t.float() for k, t in tensors.items() if k.startswith(prefix)})
    return tower


def token_count(length, rate):
    stride = stride_of(rate)
    return ((-(-(length - 2 * stride) // stride) + 1) // 2 + 1) // 2
