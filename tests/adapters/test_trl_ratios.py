"""`MaxRLTrainer` with the ratios of completions that another policy drew: real steps of TRL, vLLM's part made up."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("trl", reason="needs trl")

import maxrl_est as mx  # noqa: E402
from adapters.tiny_trl import (  # noqa: E402
    LONGEST,
    N,
    Recorder,
    arguments,
    completions,
    gradient_by_definition,
    share_of_ones,
)
from maxrl_est.adapters import trl as adapter  # noqa: E402
from maxrl_est.adapters._trl_settings import check_ratios  # noqa: E402

CONTROL = 0.5
VLLM = {"use_vllm": True, "vllm_importance_sampling_mode": "sequence_mask", "vllm_importance_sampling_clip_max": None}


class Sampled(Recorder):
    """As TRL is where vLLM draws: completions come with log-probabilities of what drew them."""

    def __init__(self, folder, **settings):
        super().__init__(folder, **settings)
        self.use_vllm, self.vllm_importance_sampling_clip_max = True, None
        self.vllm_importance_sampling_mode = "sequence_mask"
        self._ratios, self._control = True, CONTROL

    def _generate(self, prompts):
        self.use_vllm = False
        prompt_ids, completion_ids, masks, texts, _, *others = super()._generate(prompts)
        self.use_vllm = True
        logps = [[self.logp(row, token) for token in ids] for row, ids in enumerate(completion_ids)]
        return prompt_ids, completion_ids, masks, texts, logps, *others

    def logp(self, row, token):
        return -1.2 - 0.1 * token - 0.03 * row


class Unknown(Sampled):
    """vLLM gives None for a token of the third completion."""

    def logp(self, row, token):
        return None if row == 2 else super().logp(row, token)


def ratios_of(batch):
    logs = (batch["old_per_token_logps"] - batch["sampling_per_token_logps"].double()) * batch["completion_mask"]
    return logs.sum(-1).exp().numpy().reshape(-1, N)


def off(got, expected):
    return float((got - expected).norm() / expected.norm())


def test_a_step_is_that_of_the_advantages_of_the_ratios_and_has_no_ratio_twice(tmp_path):
    trainer = Sampled(tmp_path)
    trainer.train()
    (batch,) = trainer.batches
    rewards, rho = np.float32(share_of_ones(completions(batch))).reshape(-1, N), ratios_of(batch)
    assert abs(np.log(rho)).max() > 0.3
    expected = mx.advantages(rewards.astype(float), ratios=rho, control=CONTROL).ravel()
    np.testing.assert_allclose(batch["advantages"].numpy(), expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(list(trainer._logs["advantages"]), expected, rtol=1e-6, atol=1e-7)
    for factor, right in ((1, True), (rho.ravel(), False)):
        step = gradient_by_definition(trainer.start, [batch], [expected * factor]) / LONGEST
        assert (off(trainer.gradient(), step) < 1e-6) == right
    in_front = gradient_by_definition(trainer.start, [batch], [mx.advantages(rewards).ravel() * rho.ravel()]) / LONGEST
    assert off(trainer.gradient(), in_front) > 0.01  # what TRL's factor alone is


def test_without_ratios_the_factor_of_trl_stays(tmp_path):
    trainer = Sampled(tmp_path)
    trainer._ratios = False
    trainer.train()
    (batch,) = trainer.batches
    rewards, rho = np.float32(share_of_ones(completions(batch))).reshape(-1, N), ratios_of(batch).ravel()
    in_front = gradient_by_definition(trainer.start, [batch], [mx.advantages(rewards).ravel() * rho]) / LONGEST
    assert off(trainer.gradient(), in_front) < 1e-6


def test_a_completion_of_unknown_chance_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^ratios\[0, 2\] must lie in \[0, 1e\+100\], got nan$"):
        Unknown(tmp_path).train()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"use_vllm": False}, "use_vllm must be True with ratios, since .*, got False"),
        ({"vllm_importance_sampling_correction": False}, "vllm_importance_sampling_correction must be True with"),
        ({"vllm_importance_sampling_clip_max": 3.0}, "vllm_importance_sampling_clip_max must be None .*, got 3.0"),
        ({"vllm_importance_sampling_clip_min": 0.1}, "vllm_importance_sampling_clip_min must be None .*, got 0.1"),
        ({"vllm_importance_sampling_mode": "token_mask"}, "vllm_importance_sampling_mode must be 'sequence_mask' with"),
    ],
    ids=str,
)
def test_settings_whose_ratios_are_not_those_of_whole_completions_are_refused(setting, said):
    check_ratios(arguments("unused", **VLLM))
    with pytest.raises(ValueError, match=f"^args.{said}"):
        check_ratios(arguments("unused", **{**VLLM, **setting}))


def test_ratios_are_asked_of_settings_and_control_of_ratios(tmp_path):
    with pytest.raises(ValueError, match=r"^args.use_vllm must be True with ratios"):
        adapter.MaxRLTrainer(None, share_of_ones, arguments(tmp_path), ratios=True)
    with pytest.raises(TypeError, match=r"^control must come with ratios, got 1.0 without$"):
        adapter.MaxRLTrainer(None, share_of_ones, arguments(tmp_path), control=1.0)
