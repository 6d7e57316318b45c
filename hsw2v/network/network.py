"""A network: an output layer, and the parameters that training changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, all_finite
from hsw2v.config import TrainingConfig
from hsw2v.network.mapped import read_in_order
from hsw2v.network.outputs import OutputLayer, most_rows
from hsw2v.network.parameters import (
    NGRAMS,
    NORM,
    OUTPUTS,
    VECTORS,
    Allocator,
    Parameters,
    allocator,
    check_memory,
    compacted,
    initial_parameters,
    optimizer_state,
    table_of,
)
from hsw2v.network.subwords import InputRows


class Unpadded(NamedTuple):
    """What training comes to, without padding."""

    vectors: NDArray[np.float32]
    """(V, D), word vectors."""
    outputs: NDArray[np.float32]
    """(R, D)."""
    ngrams: NDArray[np.float32] | None
    """(B, D), the vectors of n-grams, if words have some."""


@dataclass(eq=False)
class Network:
    """Word vectors and an output layer."""

    output: OutputLayer
    parameters: Parameters
    dim: int
    """Dimensions D of a vector, without padding."""
    optimizer: str
    batch_norm: bool
    allocate: Allocator = aligned_zeros
    """Makes arrays where the parameters are."""
    inputs: InputRows | None = None
    """Which n-grams words have, if their vectors are means of those of n-grams and of one more."""

    @classmethod
    def initial(
        cls,
        training: TrainingConfig,
        words: int,
        output: OutputLayer,
        inputs: InputRows | None = None,
    ) -> Network:
        """Return a network of so many words, of which nothing is trained.

        Raises:
            ResourceError: its parameters take more memory than the machine has.
            OutputError, DiskFullError: they are mapped, and there is no room for their files.
        """
        ngrams = None if inputs is None else len(inputs.buckets)
        check_memory(training, words, max(output.rows, most_rows(training, words)), ngrams)
        allocate = allocator(training)
        parameters = initial_parameters(training, words, output.rows, allocate, ngrams)
        norm = training.batch_norm
        return cls(output, parameters, training.dim, training.optimizer, norm, allocate, inputs)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The words' own rows, (V, P): their vectors, unless they have n-grams."""
        return self.parameters[VECTORS]

    @property
    def ngrams(self) -> NDArray[np.float32] | None:
        """The vectors of n-grams, (B, P), if words have some."""
        return self.parameters.get(NGRAMS)

    def word_vectors(self) -> NDArray[np.float32]:
        """Return the vectors of words, (V, P): their own rows, or new ones with n-grams in them."""
        if self.inputs is None:
            return self.vectors
        out = aligned_zeros(*self.vectors.shape)
        return self.inputs.compose(self.vectors, self.parameters[NGRAMS], out)

    @property
    def outputs(self) -> NDArray[np.float32]:
        """The output vectors, (R, P)."""
        return self.parameters[OUTPUTS]

    @property
    def norm(self) -> NDArray[np.float32] | None:
        """Scale, shift, running mean and variance of batch normalisation, (4, P), a copy."""
        if not self.batch_norm:
            return None
        return np.concatenate([self.parameters[NORM], self.parameters["norm.running"]])

    @property
    def finite(self) -> bool:
        """Whether all vectors are, and what they are normalised by."""
        norm = self.norm
        tables = (self.vectors, self.ngrams, self.outputs, norm)
        return all(all_finite(table) for table in tables if table is not None)

    def freeze(self, words: NDArray[np.bool_]) -> None:
        """Have training leave the vectors of some words (V,) as they are; none has n-grams."""
        self.inputs = InputRows.own(words)
        self.parameters[NGRAMS] = self.allocate(0, self.vectors.shape[1], np.float32)

    def switch(self, output: OutputLayer) -> None:
        """Go on with another output layer upon the same word vectors: its own are zero.

        Rows of negative sampling stay as they are, if both have them; what the optimizer keeps of
        rows goes with them.
        """
        before, after = self.output.sampled_rows, output.sampled_rows
        names = [name for name in self.parameters if table_of(name) == OUTPUTS]
        own = {name: self.parameters[name] for name in names if len(self.parameters[name])}
        if before is not None and before == after and output.rows == len(self.outputs):
            for array in own.values():
                array[: before.start] = 0
                array[before.stop :] = 0
        else:
            stay = before is not None and after is not None
            kept = {name: array[before].copy() for name, array in own.items() if stay}
            self._make_room(output.rows)
            for name, rows in kept.items():
                self.parameters[name][after] = rows
        self.output = output

    def _make_room(self, rows: int) -> None:
        """Make so many output rows of zeros, and the state of the optimizer, in place of those."""
        width = self.vectors.shape[1]
        # Freed first: there may be no room for both.
        for name in [name for name in self.parameters if name.startswith(f"{OUTPUTS}.")]:
            del self.parameters[name]
        if rows <= len(self.outputs):
            # Their memory is used again.
            outputs = self.outputs[:rows]
            outputs[:] = 0.0
            self.parameters[OUTPUTS] = outputs
        else:
            self.parameters[OUTPUTS] = self.allocate(rows, width, np.float32)
        state = optimizer_state(self.optimizer, OUTPUTS, rows, width, self.allocate)
        self.parameters |= state

    def unpadded(self) -> Unpadded:
        """Return what is trained so far."""
        dim, ngrams = self.dim, self.ngrams
        vectors, outputs = self.word_vectors()[:, :dim], self.outputs[:, :dim]
        return Unpadded(vectors, outputs, None if ngrams is None else ngrams[:, :dim])

    def compact(self) -> Unpadded:
        """Return what is trained, and give up the parameters."""
        vectors, ngrams, outputs = self.vectors, self.ngrams, self.outputs
        self.parameters = {}
        for table in (vectors, ngrams, outputs):
            if table is not None:
                read_in_order(table)
        if self.inputs is not None and ngrams is not None:
            self.inputs.compose(vectors, ngrams, vectors)
        dim = self.dim
        return Unpadded(
            compacted(vectors, dim),
            compacted(outputs, dim),
            None if ngrams is None else compacted(ngrams, dim),
        )
