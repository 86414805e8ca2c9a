"""torchrl: its losses of language models, behind its MCAdvantage."""

from analysis.surveyed._shipped import Shipped


def torchrl_steps():
    from torchrl.objectives.llm import DAPO, GRPOLoss

    from maxrl_est.adapters.torchrl import as_step

    yield Shipped("GRPOLoss()", as_step(GRPOLoss), default=True)
    yield Shipped("GRPOLoss(aggregation='prompt_mean')", as_step(GRPOLoss, aggregation="prompt_mean"))
    held = as_step(GRPOLoss, kl_to_ref_coeff=0.04)
    yield Shipped("GRPOLoss(kl_to_ref_coeff=0.04)", held, holds=True)
    yield Shipped("DAPO()", as_step(DAPO))
