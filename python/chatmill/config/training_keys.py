"""The keys of axolotl that concern only training. Rows and labels do not depend on them, so they are ignored.

Packing, padding and the number of processes are among them: axolotl applies them during training, or they change how
rows are processed, but not the result.
"""

_MODEL = """
    model_type type_of_model model_config overrides_of_model_config model_kwargs overrides_of_model_kwargs
    model_revision revision_of_model cls_model_config model_config_type model_quantization_config
    model_quantization_config_kwargs trust_remote_code tokenizer_type tokenizer_use_fast tokenizer_legacy
    tokenizer_save_jinja_files is_falcon_derived_model is_llama_derived_model is_mistral_derived_model
    is_qwen_derived_model is_multimodal num_labels reinit_weights rope_scaling experimental_skip_move_to_device
    use_kernels resize_token_embeddings_to_32x mean_resizing_embeddings shrink_embeddings embeddings_skip_upcast
    fix_untrained_tokens unfrozen_parameters freeze_mm_modules low_cpu_mem_usage max_memory gpu_memory_limit device
    device_map plugins strict llama4_linearized_experts scaling_softmax scaling_softmax_factor scaling_softmax_bias
    quantize_moe_experts experts_implementation expert_backend expert_parallel_size router_aux_loss_coef
"""
_ADAPTER = """
    adapter load_in_8bit load_in_4bit peft merge_lora merge_method qlora_sharded_model_loading bnb_config_kwargs gptq
    gptq_groupsize gptq_model_v1 relora qat quantization spectrum_top_fraction spectrum_model_name
"""
_OPTIMIZER = """
    learning_rate embedding_lr embedding_lr_scale weight_decay optimizer optim_args optim_target_modules
    torchdistx_path lr_scheduler lr_scheduler_kwargs lr_quadratic_warmup lr_div_factor lr_groups
    log_sweep_min_lr log_sweep_max_lr cosine_min_lr_ratio cosine_constant_lr_ratio eta_min max_grad_norm num_epochs
    max_steps warmup_steps warmup_ratio neftune_noise_alpha noisy_embedding_alpha gradient_accumulation_steps
    micro_batch_size batch_size eval_batch_size auto_find_batch_size group_by_length grokfast_alpha grokfast_lamb
    curriculum_sampling fp8_enable_fsdp_float8_all_gather bf16 fp16 fp8 bfloat16 float16 float32 tf32
"""
_LOSS = """
    use_eaft eaft_alpha eaft_k chunked_cross_entropy chunked_cross_entropy_num_chunks cut_cross_entropy use_dft
    orpo_alpha rpo_alpha simpo_gamma cpo_alpha rl_beta center_rewards_coefficient precompute_ref_log_probs
    diffusion max_prompt_len trl vllm ebft trainer_cls loss_watchdog_threshold loss_watchdog_patience
"""
_MEMORY_AND_SPEED = """
    gradient_checkpointing gradient_checkpointing_kwargs activation_offloading layer_offloading gc_steps
    torch_compile torch_compile_backend torch_compile_mode attn_implementation xformers_attention xformers sdp_attention
    s2_attention flash_attention flex_attention sage_attention eager_attention fused_attn_kernel nonexpert_quantization
    use_scattermoe use_sonicmoe use_onebitllms use_dsv4_kernels use_glm_dsa_kernels dense_mixer llmcompressor
"""
_DISTRIBUTED = """
    ddp fsdp deepspeed deepcompile world_size local_rank dp_shard_size dp_replicate_size tensor_parallel_size
    context_parallel_size sequence_parallel_degree heads_k_stride ring_attn_func accelerator_config
    resources_per_worker cloud launcher launcher_args
"""
_SAVING_AND_LOGGING = """
    output_dir hub_model_id hub_strategy hub_revision save_safetensors save_steps saves_per_epoch save_strategy
    save_total_limit save_first_step save_only_model save_compressed resume_from_checkpoint
    auto_resume_from_checkpoints dynamic_checkpoint load_best_model_at_end logging_steps logging_dir
    use_tensorboard use_wandb use_mlflow use_comet use_trackio use_swanlab use_otel_metrics use_ray
    hf_mlflow_log_artifacts profiler_steps profiler_steps_start include_tokens_per_second include_tkps inference
    axolotl_config_path is_preprocess
"""
_EVALUATION = """
    eval_steps evals_per_epoch eval_strategy evaluation_strategy eval_table_size eval_max_new_tokens
    eval_causal_lm_metrics do_causal_lm_eval do_bench_eval bench_dataset bench_split metric_for_best_model
    greater_is_better early_stopping_patience generate_samples num_generation_samples
"""
_LOADING_AND_PACKING = """
    sample_packing sample_packing_group_size sample_packing_bin_size sample_packing_sequentially
    sample_packing_mp_start_method sample_packing_eff_est sample_packing_seq_len_multiplier
    eval_sample_packing pad_to_sequence_len pad_to_multiple_of multipack_real_batches batch_flattening
    pretrain_multipack_buffer_size pretrain_multipack_attn pretraining_sample_concatenation
    streaming_multipack_buffer_size preprocess_iterable total_num_tokens total_supervised_tokens
    dataset_processes dataset_num_proc dataset_keep_in_memory num_dataset_shards_to_save hf_use_auth_token
    remove_unused_columns
"""

#: The names of these keys.
TRAINING = frozenset(
    " ".join(
        (
            _MODEL,
            _ADAPTER,
            _OPTIMIZER,
            _LOSS,
            _MEMORY_AND_SPEED,
            _DISTRIBUTED,
            _SAVING_AND_LOGGING,
            _EVALUATION,
            _LOADING_AND_PACKING,
        )
    ).split()
)

#: Prefixes of further such keys, because axolotl and its plugins add keys with every version.
FAMILIES = (
    "adam_",
    "comet_",
    "dataloader_",
    "ddp_",
    "dion_",
    "dpo_",
    "dsv4_",
    "flash_",
    "flex_attn_",
    "fsdp_",
    "gemma4_",
    "generation_",
    "gradio_",
    "jagged_restart_",
    "kd_",
    "kto_",
    "liger_",
    "lisa_",
    "lm_eval_",
    "lora_",
    "loraplus_",
    "mlflow_",
    "moe_",
    "muon_",
    "otel_",
    "peft_",
    "ray_",
    "relora_",
    "swanlab_",
    "tiled_mlp",
    "trackio_",
    "unsloth_",
    "wandb_",
)

#: Misspelled keys of a config that comes with axolotl, which accepts them. They are never suggested.
MISSPELLED = frozenset({"context_parapllel_size"})
