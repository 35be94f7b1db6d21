"""Invented discharges (模拟病案): realistic in their mix, tied to no person and no hospital."""

from drgengine.synth.generate import SynthSummary, generate, sample
from drgengine.synth.plan import Plan, make_plan

__all__ = ["Plan", "SynthSummary", "generate", "make_plan", "sample"]
