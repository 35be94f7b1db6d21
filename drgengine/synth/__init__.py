"""Invented discharges (模拟病案), cost models, regions: realistic in their mix, tied to no person and no hospital."""

from drgengine.synth.generate import SynthSummary, generate, sample
from drgengine.synth.hospitalmodel import HospitalModelSummary, hospital_model
from drgengine.synth.plan import Plan, make_plan
from drgengine.synth.region import RegionSummary, region_sample

__all__ = [
    "HospitalModelSummary",
    "Plan",
    "RegionSummary",
    "SynthSummary",
    "generate",
    "hospital_model",
    "make_plan",
    "region_sample",
    "sample",
]
