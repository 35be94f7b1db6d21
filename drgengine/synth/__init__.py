"""Invented discharges (模拟病案) and cost models: realistic in their mix, tied to no person and no hospital."""

from drgengine.synth.generate import SynthSummary, generate, sample
from drgengine.synth.hospitalmodel import HospitalModelSummary, hospital_model
from drgengine.synth.plan import Plan, make_plan

__all__ = ["HospitalModelSummary", "Plan", "SynthSummary", "generate", "hospital_model", "make_plan", "sample"]
