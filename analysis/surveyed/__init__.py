"""What trainers without an adapter of their own in the survey ship, a file each: nothing of theirs is copied here."""

from analysis.surveyed.areal import areal
from analysis.surveyed.art import art
from analysis.surveyed.axolotl import axolotl
from analysis.surveyed.openrlhf import openrlhf
from analysis.surveyed.skyrl import skyrl
from analysis.surveyed.swift import swift
from analysis.surveyed.tinker_cookbook import tinker_cookbook
from analysis.surveyed.tunix import tunix

FRAMEWORKS = {
    "areal": areal,
    "axolotl": axolotl,
    "ms-swift": swift,
    "openpipe-art": art,
    "openrlhf": openrlhf,
    "skyrl": skyrl,
    "tinker-cookbook": tinker_cookbook,
    "google-tunix": tunix,
}
