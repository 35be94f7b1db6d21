"""Weighted draws from many pools at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EMPTY = -1


class Pools:
    """Pools of items with weights; every row names its pool and gets one item.

    pools : (items int, weights > 0) per pool; a pool without items gives EMPTY

    >>> pools = Pools([(np.array([5]), np.array([1.0])), (np.array([], int), np.array([]))])
    >>> pools.draw(np.random.default_rng(1), np.array([0, 1, 0])).tolist()
    [5, -1, 5]
    """

    def __init__(self, pools: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        self.sizes = np.array([items.size for items, _ in pools], dtype=np.int32)
        self.starts = (np.cumsum(self.sizes) - self.sizes).astype(np.int32)
        tables = [_alias_table(weights) for _, weights in pools]
        items = [items.astype(np.int32) for items, _ in pools]
        self.items = np.concatenate([np.zeros(0, np.int32), *items])
        self.keep = np.concatenate([np.zeros(0), *(keep for keep, _ in tables)])
        self.other = np.concatenate([np.zeros(0, np.int32), *(i[at] for i, (_, at) in zip(items, tables, strict=True))])

    def draw(self, rng: np.random.Generator, pool: np.ndarray) -> np.ndarray:
        """int32[n]: an item of pool[r] for each row r; EMPTY where the pool is empty or pool[r] is negative."""
        rows = np.flatnonzero((pool >= 0) & (self.sizes[pool] > 0))
        every = rows.size == pool.size
        chosen = pool if every else pool[rows]
        # One random number serves both steps: its whole part picks the place, the rest decides for its alias.
        chance = rng.random(rows.size) * self.sizes[chosen]
        place = chance.astype(np.int32)
        chance -= place
        place += self.starts[chosen]
        drawn = np.where(chance < self.keep[place], self.items[place], self.other[place])
        if every:
            return drawn
        out = np.full(pool.size, EMPTY, dtype=np.int32)
        out[rows] = drawn
        return out


def _alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias method: place k is kept with chance keep[k], else place other[k] is taken."""
    size = weights.size
    keep, other = np.ones(size), np.arange(size)
    if size == 0:
        return keep, other
    scaled = (weights * (size / weights.sum())).tolist()
    small = [k for k in range(size) if scaled[k] < 1]
    large = [k for k in range(size) if scaled[k] >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], other[low] = scaled[low], high
        scaled[high] -= 1 - scaled[low]
        if scaled[high] < 1:
            small.append(large.pop())
    return keep, other


class PoolMaker:
    """Collects pools by key; the same key gives the same pool."""

    def __init__(self) -> None:
        self.pools: list[tuple[np.ndarray, np.ndarray]] = []
        self.index: dict[object, int] = {}

    def add(self, key: object, items: np.ndarray, weights: np.ndarray) -> int:
        """Number of the pool with items and weights parallel to them; items of weight 0 are left out."""
        if key not in self.index:
            kept = weights > 0
            self.index[key] = len(self.pools)
            self.pools.append((items[kept], weights[kept]))
        return self.index[key]

    def finish(self) -> Pools:
        return Pools(self.pools)
