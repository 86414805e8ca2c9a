"""`MaxRLTrainer` in a training of ms-swift, started as users start it, and the function that ms-swift ships, judged."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("swift.rlhf_trainers.grpo_trainer", reason="needs ms-swift", exc_type=ImportError)

from swift.rlhf_trainers import GRPOTrainer  # noqa: E402
from swift.trainers import TrainerFactory  # noqa: E402

import maxrl_est as mx  # noqa: E402
from maxrl_est.adapters.swift import _NEUTRAL, MaxRLTrainer, as_estimator, register  # noqa: E402

N = 4
SETTINGS = {
    "rlhf_type": "grpo",
    "model_type": "qwen2",
    "template": "default",
    "tuner_type": "full",
    "torch_dtype": "float32",
    "reward_funcs": "share_of_ones",
    "loss_type": "dr_grpo",
    "num_generations": N,
    "per_device_train_batch_size": N,
    "gradient_accumulation_steps": 2,
    "max_completion_length": 6,
    "max_steps": 2,
    "use_vllm": "false",
    "report_to": "none",
    "save_strategy": "no",
    "split_dataset_ratio": 0,
    "dataloader_num_workers": 0,
    "log_completions": "true",
}
PLUGIN = """
from maxrl_est.adapters.swift import register
from swift.rewards import ORM, orms

register(3, baseline="one")


class ShareOfOnes(ORM):
    def __call__(self, completions, **_):
        return [text.count("b") / 6 for text in completions]


orms["share_of_ones"] = ShareOfOnes
"""


def tiny_model(folder):
    """A language model of two words, a and b, that never ends a completion; saved, with its tokenizer."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    words = Tokenizer(WordLevel({"a": 0, "b": 1, "end": 2}, unk_token="a"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="end", eos_token="end").save_pretrained(folder)
    size = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 2}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=3, num_hidden_layers=1, **size))
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() == 2:
                weights.zero_()
        model.model.embed_tokens.weight.fill_(1.0)  # all logits are 0 then, but for
        model.lm_head.weight[2] = -10.0
    model.save_pretrained(folder)


def test_a_training_of_the_command_line_has_these_advantages(tmp_path):
    """Rejects the advantages of GRPO, of the default order and of the default baseline."""
    tiny_model(tmp_path / "model")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    prompt = json.dumps({"messages": [{"role": "user", "content": "a b"}]})
    (tmp_path / "prompts.jsonl").write_text("\n".join([prompt] * 8))
    settings = SETTINGS | {
        "model": tmp_path / "model",
        "dataset": tmp_path / "prompts.jsonl",
        "external_plugins": tmp_path / "plugin.py",
        "output_dir": tmp_path / "out",
    }
    command = [sys.executable, "-c", "from swift.pipelines import rlhf_main; rlhf_main()"]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    (log,) = (tmp_path / "out").rglob("completions.jsonl")
    steps = {tuple(step["step"]): step for step in map(json.loads, log.read_text().splitlines())}.values()
    rewards, found = ([step[name] for step in steps] for name in ("ShareOfOnes", "advantages"))
    rewards, found = np.array(rewards).reshape(-1, N), np.array(found).reshape(-1, N)
    assert len(rewards) == 4
    np.testing.assert_allclose(found, mx.advantages(rewards.astype(np.float32), 3, baseline="one"), atol=1e-6)
    for wrong in (as_estimator(), as_estimator(scale_rewards="none"), mx.advantages):
        assert abs(found - wrong(rewards)).max() > 0.1


@pytest.fixture
def trainer(monkeypatch):
    """Without its model: what computes advantages needs none."""
    monkeypatch.setattr(GRPOTrainer, "_compute_advantages", lambda *_: None)
    made = object.__new__(MaxRLTrainer)
    made.dynamic_num_samples = False
    made.num_generations, made.num_generations_eval = 4, 2
    made.reward_weights = torch.tensor([1.0, 0.5])
    made.model = SimpleNamespace(training=True)
    monkeypatch.setattr(MaxRLTrainer, "objective", None)
    monkeypatch.setattr(MaxRLTrainer, "baseline", None)
    return made


REWARDS = torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.5, 1.0], [0.25, 0.0]])


def test_the_likelihood_is_the_weighted_sum_of_rewards(trainer):
    """Rejects the first reward alone, groups of the other size, and 0.6 + 0.4 above 1."""
    found = trainer._compute_advantages([], REWARDS, [])
    np.testing.assert_allclose(found.numpy(), mx.advantages([1.0, 0.0, 1.0, 0.25]), atol=1e-6)
    trainer.model.training = False
    found = trainer._compute_advantages([], REWARDS, [])
    np.testing.assert_allclose(found.numpy(), mx.advantages([[1.0, 0.0], [1.0, 0.25]]).ravel(), atol=1e-6)


def test_a_reward_that_is_missing_is_refused(trainer):
    """Rejects ms-swift's sum, which leaves NaN out."""
    with pytest.raises(ValueError, match=r"^likelihoods\[0, 1\] must lie in \[0, 1\], got nan"):
        trainer._compute_advantages([], torch.where(REWARDS == 0, torch.nan, REWARDS), [])
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], got 2"):
        trainer._compute_advantages([], 2 * REWARDS, [])


def test_rollouts_of_several_parts_are_refused(trainer):
    trainer.dynamic_num_samples = True
    with pytest.raises(ValueError, match=r"^samples must be num_generations for each prompt"):
        trainer._compute_advantages([], REWARDS, [])


def arguments(**others):
    neutral = {name: values[0] for name, (values, _) in _NEUTRAL.items()}
    sizes = {"num_generations": 4, "num_generations_eval": None, "rollout_importance_sampling_mode": None}
    steps = {"gradient_accumulation_steps": 4, "steps_per_generation": 2}
    return SimpleNamespace(**{**neutral, **sizes, **steps, **others})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("loss_type", "grpo"),
        ("loss_type", "dapo"),
        ("num_iterations", 2),
        ("steps_per_generation", 8),
        ("async_generate", True),
        ("top_p", 0.9),
        ("top_k", 50),
        ("repetition_penalty", 1.1),
        ("kl_in_reward", True),
        ("advantage_reweight", "rlsd"),
        ("overlong_filter", True),
        ("top_entropy_quantile", 0.2),
        ("off_policy_sequence_mask_delta", 0.5),
        ("rollout_importance_sampling_mode", "token_mask"),
        ("num_generations", 2),
        ("num_generations_eval", 1),
    ],
)
def test_settings_that_bend_the_gradient_are_refused(setting, value, monkeypatch):
    monkeypatch.setattr(GRPOTrainer, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(MaxRLTrainer, "objective", 3)
    MaxRLTrainer(args=arguments())
    with pytest.raises(ValueError, match=setting if "num_gen" not in setting else "3"):
        MaxRLTrainer(args=arguments(**{setting: value}))


def test_arguments_of_ms_swift_have_the_settings_that_are_asked_for():
    from swift.rlhf_trainers.arguments import GRPOConfig

    assert set(_NEUTRAL) | {"rollout_importance_sampling_mode"} <= set(GRPOConfig.__dataclass_fields__)


def test_the_trainer_of_grpo_is_ours_once_registered(monkeypatch):
    monkeypatch.setattr(TrainerFactory, "TRAINER_MAPPING", dict(TrainerFactory.TRAINER_MAPPING))
    for name in ("objective", "baseline", "log_ceiling"):
        monkeypatch.setattr(MaxRLTrainer, name, None)
    chosen = SimpleNamespace(rlhf_type="grpo")
    assert TrainerFactory.get_trainer_cls(chosen) is GRPOTrainer
    register(2, baseline="pass_loo")
    assert TrainerFactory.get_trainer_cls(chosen) is MaxRLTrainer
    assert (MaxRLTrainer.objective, MaxRLTrainer.baseline, MaxRLTrainer.log_ceiling) == (2, "pass_loo", None)


def test_what_ms_swift_ships_is_judged():
    rloo = as_estimator(advantage_estimator="rloo", scale_rewards="none")
    assert mx.effective_weight(rloo, 4).nearest().name == "J_1"
    assert mx.effective_weight(as_estimator(scale_rewards="none"), 4).nearest().name == "3/4 x J_1"
    assert not mx.effective_weight(as_estimator(), 4).nearest().known
    with pytest.raises(ValueError, match="depends on the batch"):
        mx.effective_weight(as_estimator(scale_rewards="batch"), 4)
    with pytest.raises(TypeError, match=r"takes no option 'scale_reward'; .*scale_rewards"):
        as_estimator(scale_reward="none")
