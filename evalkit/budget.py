"""A hard limit on what a run may cost, over all its attempts and however often it is interrupted."""

import asyncio
from decimal import ROUND_CEILING, Decimal

from evalkit.errors import BudgetExceeded
from evalkit.scoring import cost
from evalkit.store import Store

# Dollars are reckoned to the last digit, and the file keeps this many of them without loss.
_STEP = Decimal("1e-9")


class Budget:
    """A call is paid for in advance, at its worst, and written down, or it is not made.

    Nothing is given back: a call that failed may have been billed. So what was ever reserved stands in spending.jsonl,
    and a run that goes on after an interruption goes on within the same limit.
    """

    def __init__(self, limit_usd: float | None, store: Store) -> None:
        """A budget for a run.

        Args:
            limit_usd: what the run may cost in all; None for no limit.
            store: the run's folder.

        Raises:
            StoreError: what was spent before cannot be read.
        """
        self.limit_usd = None if limit_usd is None else Decimal(str(limit_usd))
        self.spent_usd = store.spent_usd()
        self._store = store
        self._lock = asyncio.Lock()

    async def reserve(self, usd: Decimal | None, *, clip_id: str, provider: str, route: str, attempt: int) -> None:
        """Take what one attempt costs at most out of the budget; it is on disk when this returns.

        Raises:
            BudgetExceeded: the attempt could pass the limit, or its price is unknown; nothing may be sent.
            StoreError: it cannot be written down; nothing may be sent.
        """
        if self.limit_usd is None:
            return
        if usd is None:
            raise BudgetExceeded(cost.unknown(provider, route))
        usd = usd.quantize(_STEP, ROUND_CEILING)
        async with self._lock:
            if not cost.affordable(self.limit_usd, self.spent_usd, Decimal(0), usd):
                raise BudgetExceeded(
                    f"the next clip ({clip_id}, ${usd:.4f}) could pass the budget of ${self.limit_usd:.2f} "
                    f"(${self.spent_usd:.4f} spent); raise --budget-usd and run the same command to go on"
                )
            # Counted first: whoever is cut off in the last line may stand in the file or not.
            self.spent_usd += usd
            note: dict[str, str | int] = {"clip_id": clip_id, "provider": provider, "route": route, "attempt": attempt}
            # In a thread, for streams in flight must not wait for the disk.
            await asyncio.to_thread(self._store.spend, usd, **note)
