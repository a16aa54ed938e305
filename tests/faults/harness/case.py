"""A case of the catalogue, and the catalogue that they are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World

#: What a case can run on: a lease of either face, the two jobs with packages, a run of many.
FACES = ("blocking", "asyncio", "export_vm", "import_vapp", "fleet")
LEASES = ("blocking", "asyncio")
EXPORTS = ("blocking", "asyncio", "export_vm", "fleet")
IMPORTS = ("import_vapp",)

GROUPS = {
    "H": "hostile or broken server",
    "N": "network",
    "L": "local",
    "E": "lease",
    "P": "Python side",
    "F": "fuzz, property, memory",
    "A": "archives",
    "V": "disk formats",
    "C": "fleets",
    "T": "promises with numbers",
    "U": "what the first use found",
}


def always() -> str:
    """It can be run everywhere."""
    return ""


@dataclass(frozen=True)
class Case:
    """One case, which counts once, however many faces and variants it has.

    Attributes:
        id: A letter of ``GROUPS`` and a number.
        title: What is set up.
        expects: What has to come of it, besides the invariants.
        body: Sets it up, does it, and says what has to come out.
        faces: Those that it runs on.
        stars: 2 for the cases that gate a release, 1 for the next ones, else 0.
        variants: What ``body`` gets beside the world, by name.
        needs: Why it cannot be run here; empty where it can.
        deadline: Seconds that one run may take.
        options: Of the simulator, where it needs one of its own kind.
        within: What starts the process that the case is run in, for such a directory; None where
            it is run in the process of the harness.
        growth: Bytes that the process may grow by, where that is not the usual bound.
        alone: Whether nothing else may run meanwhile, as it measures what a quiet machine does.
    """

    id: str
    title: str
    expects: str
    body: Callable[..., None]
    faces: tuple[str, ...] = EXPORTS
    stars: int = 0
    variants: Mapping[str, Any] = field(default_factory=lambda: {"": None})
    needs: Callable[[], str] = always
    deadline: float = 30.0
    options: Mapping[str, Any] = field(default_factory=dict)
    within: Callable[[str], list[str]] | None = None
    growth: int | None = None
    alone: bool = False

    @property
    def group(self) -> str:
        """Its letter."""
        return self.id[0]

    def runs(self) -> list[tuple[str, str]]:
        """The face and the variant of each run."""
        return [(face, variant) for face in self.faces for variant in self.variants]

    def do(self, world: World, variant: str) -> None:
        """Runs its body."""
        given = self.variants[variant]
        self.body(world) if variant == "" else self.body(world, given)


#: All cases by their ids, in the order of their definition.
CATALOGUE: dict[str, Case] = {}


def case(
    id: str, title: str, expects: str, **options: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enters a function as the body of a case.

    Args:
        id: As ``Case.id``.
        title: As ``Case.title``.
        expects: As ``Case.expects``.
        **options: The other fields of ``Case``.

    Raises:
        ValueError: There is a case of this id, or no group of its letter.
    """
    if id in CATALOGUE or id[0] not in GROUPS:
        raise ValueError(f"{id}: there is one already, or the group is unknown")

    def enter(body: Callable[..., None]) -> Callable[..., None]:
        CATALOGUE[id] = Case(id, title, expects, body, **options)
        return body

    return enter
