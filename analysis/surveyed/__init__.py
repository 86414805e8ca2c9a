"""What trainers ship, a file each, by the names to install them by: functions of theirs are called, none is copied."""

from analysis.surveyed.areal import areal
from analysis.surveyed.art import art
from analysis.surveyed.axolotl import axolotl
from analysis.surveyed.openrlhf import openrlhf
from analysis.surveyed.skyrl import skyrl
from analysis.surveyed.swift import swift
from analysis.surveyed.tinker_cookbook import tinker_cookbook
from analysis.surveyed.torchrl import torchrl
from analysis.surveyed.trl import trl
from analysis.surveyed.tunix import tunix
from analysis.surveyed.verl import verl

FRAMEWORKS = {
    "trl": trl,
    "verl": verl,
    "torchrl": torchrl,
    "areal": areal,
    "axolotl": axolotl,
    "ms-swift": swift,
    "openpipe-art": art,
    "openrlhf": openrlhf,
    "skyrl": skyrl,
    "tinker-cookbook": tinker_cookbook,
    "google-tunix": tunix,
}
