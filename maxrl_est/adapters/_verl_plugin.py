"""What verl imports as a plugin: importing it registers the advantages, which is all that verl asks of one."""

from maxrl_est.adapters.verl import load

load()
