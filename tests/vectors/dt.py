"""Dead time."""

from __future__ import annotations

from typing import Any

from quimby.devices import dead_time
from tests.vectors.registry import vector


@vector("B-DT-01", "B-DT-02", "B-DT-03")
def there_and_back(given: dict[str, Any]) -> dict[str, Any]:
    tau = given["tau_s"]
    observed = dead_time.observed_rate(given["true_cps"], tau)
    true = dead_time.true_rate(observed, tau)
    return {"observed_cps": observed, "recovered_true_cps": true, "DTCF": true / observed}


@vector("B-DT-04")
def too_fast(given: dict[str, Any]) -> dict[str, Any]:
    return {"true_cps": dead_time.true_rate(given["observed_cps"], given["tau_s"])}


@vector("B-DT-05")
def rate(given: dict[str, Any]) -> dict[str, Any]:
    return {"true_cps": dead_time.rate_at_factor(given["DTCF"], given["tau_s"])}
