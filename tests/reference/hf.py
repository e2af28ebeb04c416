"""The reference of the Qwen3 decoders: transformers' own Qwen3ForCausalLM and Qwen3MoeForCausalLM.

InternVL, as which transformers loads Intern-S1, hands its text_config to these very classes.
"""
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

CLASSES = {"qwen3": (Qwen3Config, Qwen3ForCausalLM), "qwen3_moe": (Qwen3MoeConfig, Qwen3MoeForCausalLM)}
PREFIX = "model.language_model."


def stacked_experts(weights):
    """transformers 5 keeps the experts of a layer in two tensors; the checkpoint has three for each."""
    out, experts = {}, {}
    for name, tensor in weights.items():
        if ".mlp.experts." in name:
            layer, rest = name.split(".mlp.experts.")
            number, which, _ = rest.split(".")
            experts.setdefault(layer, {})[int(number), which] = tensor
        else:
            out[name] = tensor
    for layer, of in experts.items():
        count = 1 + max(number for number, _ in of)
        out[f"{layer}.mlp.experts.gate_up_proj"] = torch.stack(
            [torch.cat([of[e, "gate_proj"], of[e, "up_proj"]]) for e in range(count)])
        out[f"{layer}.mlp.experts.down_proj"] = torch.stack([of[e, "down_proj"] for e in range(count)])
    return out


class Reference:
    def __init__(self, config, weights, dtype=torch.float32, context=None):
        text = config["text_config"]
        make_config, make_model = CLASSES[text["model_type"]]
        self.config = make_config(**text)
        self.config._attn_implementation = self.config._experts_implementation = "eager"
        self.model = make_model(self.config).eval()
        state = {name.replace(PREFIX, "model.", 1): t for name, t in weights.items()}
        if text["tie_word_embeddings"]:
            state["lm_head.weight"] = state["model.embed_tokens.weight"]
        self.model.load_state_dict(stacked_experts(state), strict=True)
        self.model.to(dtype)
        # from_pretrained leaves the frequencies in F32 whatever the type of the weights.
        self.model.model.rotary_emb = type(self.model.model.rotary_emb)(self.config)

    def embed(self, ids):
        return self.model.model.embed_tokens(torch.tensor(ids))

    @torch.no_grad()
    def run(self, embeddings):
        """Give logits [n][vocab], hidden [layers + 1][n][hidden], experts and gates of each MoE layer."""
        hidden, routed, hooks = [embeddings], [], []
        for layer in self.model.model.layers:
            hooks.append(layer.register_forward_hook(lambda _m, _i, o: hidden.append(o[0])))
            if hasattr(layer.mlp, "gate"):
                hooks.append(layer.mlp.gate.register_forward_hook(lambda _m, _i, o: routed.append(o)))
        logits = self.model(inputs_embeds=embeddings[None], use_cache=False).logits[0]
        for hook in hooks:
            hook.remove()
        ordered = [torch.sort(indices, dim=-1) for _, _, indices in routed]
        gates = [scores.gather(-1, order) for (_, scores, _), (_, order) in zip(routed, ordered)]
        return {"logits": logits.float(), "hidden": torch.stack(hidden).float(),
                "experts": [experts for experts, _ in ordered], "gates": [g.float() for g in gates]}
