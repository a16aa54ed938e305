"""What is left when the power fails after a call: a model of names and bytes, fed by a trace.

POSIX promises little: the bytes of a file last after its fsync, and a name after the fsync of its
directory. Until then each change may have reached the disk or not, whatever its order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Node:
    """A file or a directory.

    Attributes:
        is_directory: Which of the two.
        version: How many times its bytes changed.
        durable: Up to which of them they last.
        names: Of a directory: what it has now.
        possible: Of a directory: what a name may be after a loss of power, None for nothing.
    """

    is_directory: bool = False
    version: int = 0
    durable: int = 0
    names: dict[str, Node] = field(default_factory=dict)
    possible: dict[str, list[Node | None]] = field(default_factory=dict)

    def put(self, name: str, node: Node | None) -> None:
        """Changes what has a name; both states are possible until the directory is synced."""
        known = self.possible.setdefault(name, [self.names.get(name)])
        if node not in known:
            known.append(node)
        self.names.pop(name, None)
        if node is not None:
            self.names[name] = node

    def after_loss(self, name: str) -> list[Node | None]:
        """What may have this name."""
        return self.possible.get(name) or [self.names.get(name)]

    def flaw(self) -> str:
        """Why it is not whole on the disk, now; empty where it is."""
        if not self.is_directory:
            return "has bytes that may be lost" if self.durable < self.version else ""
        unsure = [name for name in self.possible if len(self.after_loss(name)) > 1]
        if unsure:
            return f"is a directory where {unsure[0]} may be missing or another"
        flaws = (f"has {name}, which {node.flaw()}" for name, node in self.names.items())
        return next((flaw for flaw in flaws if not flaw.endswith("which ")), "")


class Disk:
    """The tree below a directory, as calls change it.

    Args:
        root: The path of that directory.
    """

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self.tree = Node(is_directory=True)

    def _find(self, path: str) -> tuple[Node, str] | None:
        """The directory of a path and its last name; None where it is elsewhere."""
        if not path.startswith(self._root + "/"):
            return None
        *folders, name = path.removeprefix(self._root + "/").split("/")
        node: Node | None = self.tree
        for folder in folders:
            node = node.names.get(folder) if node is not None else None
        return (node, name) if node is not None else None

    def node(self, path: str) -> Node | None:
        """What has this path."""
        if path.rstrip("/") == self._root:
            return self.tree
        found = self._find(path)
        return found[0].names.get(found[1]) if found else None

    def make(self, path: str, *, directory: bool = False) -> None:
        """A file or a directory, unless it is there."""
        if (found := self._find(path)) and found[1] not in found[0].names:
            found[0].put(found[1], Node(is_directory=directory))

    def remove(self, path: str) -> None:
        """A name."""
        if found := self._find(path):
            found[0].put(found[1], None)

    def rename(self, old: str, new: str) -> None:
        """A name for another; of the two changes, each may be lost and not the other."""
        node, found = self.node(old), self._find(old)
        if node and found:
            self.link(old, new)
            found[0].put(found[1], None)

    def link(self, old: str, new: str) -> None:
        """A second name."""
        node, found = self.node(old), self._find(new)
        if node and found:
            found[0].put(found[1], node)

    def changed(self, path: str) -> None:
        """Bytes of a file changed."""
        if node := self.node(path):
            node.version += 1

    def synced(self, path: str, version: int) -> None:
        """What there was of it when fsync began lasts."""
        if node := self.node(path):
            node.durable = max(node.durable, version)
            if node.is_directory:
                node.possible.clear()

    def settle(self) -> None:
        """All that is there now lasts: the state before a job."""
        for node in _all(self.tree):
            node.durable = node.version
            node.possible.clear()

    def flaws(self, is_final: Callable[[str], bool]) -> list[str]:
        """What a loss of power would leave under final names now, and is not whole.

        Args:
            is_final: Called with a name directly below the root.
        """
        found = []
        for name in {*self.tree.names, *self.tree.possible}:
            nodes = self.tree.after_loss(name) if is_final(name) else []
            flaws = [node.flaw() for node in nodes if node is not None]
            found += [f"{name} {flaw}" for flaw in flaws if flaw]
        return found

    def unsure(self, is_final: Callable[[str], bool]) -> list[str]:
        """Final names that a loss of power may take away, or change, now."""
        names = {name for name in self.tree.possible if is_final(name)}
        return sorted(name for name in names if len(self.tree.after_loss(name)) > 1)


def _all(node: Node) -> Iterator[Node]:
    yield node
    for each in node.names.values():
        yield from _all(each)
