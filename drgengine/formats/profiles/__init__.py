"""Profiles (接口规范): where each dialect keeps what, as data files."""
