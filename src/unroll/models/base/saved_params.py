"""Settings that a saved model omits, since they have the meaning of the earlier releases that did not know them."""

from collections.abc import Mapping
from typing import Any

from unroll.params.training import with_ranks


def with_omitted(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Add the settings that a saved model omits.

    Args:
        saved: The settings of a model of any family, as it was saved.

    Returns:
        The settings with all keys.
    """
    if "member" in saved:
        return {**saved, "member": with_omitted(saved["member"])}
    omitted = {"attention": {"kind": "none"}} if saved["family"] == "recurrent" else {}
    return omitted | with_ranks(saved)
