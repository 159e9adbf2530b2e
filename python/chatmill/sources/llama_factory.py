"""Names of LLaMA-Factory's templates: which of them are names of chatmill's templates too, and what is said of others.

LLaMA-Factory builds its texts itself, also of tools, and keeps the white space of contents. So most of its templates
print another text than the templates of the models. The texts were compared with those of llamafactory 0.9.5.
"""

from chatmill._chatmill import ChatTemplate

# Names whose template prints the text of a template of chatmill. Of these, `chatml` and `phi-4` refuse rows with tools.
_SAME = {
    "qwen": "qwen2.5",
    "phi4": "phi-4",
    **dict.fromkeys(
        (
            "llava_next_video_yi", "llava_next_yi", "qwen3_5_nothink", "qwen3_nothink", "qwen3_omni_nothink",
            "qwen3_vl_nothink", "smollm", "yi",
        ),
        "chatml",
    ),
}  # fmt: skip
# Names whose template prints that text only for rows without tools and calls.
_SAME_WITHOUT_TOOLS = dict.fromkeys(("ministral", "ministral3", "pixtral"), "mistral-nemo")
# Names whose template prints a text that no template of chatmill prints.
_OTHERS = """
    aeva bailing bailing_v2 breeze chatglm3 chatml_de cohere cpm4 dbrx deepseek3 deepseekcoder deepseekr1 default
    dots_ocr empty ernie ernie_nothink ernie_vl exaone falcon_h1 fewshot gemma2 gemma3 gemma3n gemma4 gemma4n glm4
    glm4_5v glm4_7 glm4_moe glm4v glm_ocr glmz1 gpt_oss granite3 granite3_vision hunyuan hunyuan_small hy3 index
    intern2 intern_s1 intern_vl keye_vl kimi_vl lfm2 lfm2_vl llama2_zh llama4 llava llava_next llava_next_llama3
    llava_next_mistral llava_next_qwen llava_next_video llava_next_video_mistral mimo mimo_v2 mimo_vl minicpm_o
    minicpm_v minicpm_v_4_6 minimax1 minimax2 mistral_small mllama moonlight olmo openchat-3.6 opencoder paligemma
    paligemma_chat phi phi4_mini phi_small qwen2_audio qwen2_omni qwen2_vl qwen3_5 qwen3_6 qwen3_omni qwen3_vl
    sailor seed_coder seed_oss solar starchat telechat2 video_llava xuanyuan yi_vl youtu youtu_vl yuan
"""


def library_name(name: str) -> str | None:
    """Return the name of the template of chatmill that a name selects, or None if it selects none.

    Args:
        name: A name of `ChatTemplate.names()`, or the name of a template of LLaMA-Factory that prints the same text as
            one of them, unless that one refuses the row.

    Example:
        >>> library_name("chatml"), library_name("yi"), library_name("glm4")
        ('chatml', 'chatml', None)
    """
    known = _SAME.get(name, name)
    return known if known in ChatTemplate.names() else None


def remedy_for(name: str) -> str | None:
    """Return what to do if a name is that of a template of LLaMA-Factory that chatmill lacks, otherwise None.

    Args:
        name: A name for which chatmill has no template.

    Example:
        >>> remedy_for("pixtral")
        "for rows without tools, 'mistral-nemo' prints the text of LLaMA-Factory's template 'pixtral'"
    """
    same = _SAME_WITHOUT_TOOLS.get(name)
    if same is not None:
        return f"for rows without tools, {same!r} prints the text of LLaMA-Factory's template {name!r}"
    if name in _OTHERS.split():
        return (
            f"no template of chatmill prints the text of LLaMA-Factory's template {name!r}; leave out the name to use "
            "the model's own template, or give the Jinja source of a template"
        )
    return None
