"""Dialects of the front page as data (data/profiles/*.toml): which header feeds which column."""

from drgengine.formats.profiles.claims import Found, claim_columns
from drgengine.formats.profiles.detection import choose_profile
from drgengine.formats.profiles.profilefile import DaysUnit, Profile, load_profile, profile_names

__all__ = ["DaysUnit", "Found", "Profile", "choose_profile", "claim_columns", "load_profile", "profile_names"]
