"""The LSTM on paper: layers, shapes of the weights."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """Stacked LSTM layers and a dense output layer.

    Its weights are a list of arrays in Keras' order and layout: for each LSTM cell the kernel
    `(n_inputs, 4 * units)`, the recurrent kernel `(units, 4 * units)` and the bias
    `(4 * units,)`, gates in the order input, forget, candidate, output; then the kernel
    `(n_states, n_outputs)` and the bias `(n_outputs,)` of the output layer. A layer has one cell,
    or, if it is bidirectional, one that reads the steps forwards and one that reads them backwards.

    What it reads of a window is said in `network.reading`. The `head`, an activation, is applied to
    the outputs of the output layer.
    """

    n_features: int
    units: tuple[int, ...]
    activation: str
    n_outputs: int
    segment: int = 1
    bidirectional: bool = False
    anchor: tuple[int, ...] | None = None
    head: str = "linear"

    @property
    def n_directions(self):
        """Cells in each layer."""
        return 1 + self.bidirectional

    @property
    def n_inputs(self):
        """Values that the first layer reads at each step."""
        return self.n_features * self.segment

    @property
    def cells(self):
        """Inputs and units `(n_inputs, units)` of every cell, layer by layer."""
        n_inputs, cells = self.n_inputs, []
        for units in self.units:
            cells += [(n_inputs, units)] * self.n_directions
            n_inputs = units * self.n_directions
        return cells

    @property
    def relative_columns(self):
        """Columns of the anchor, each once."""
        return sorted(set(self.anchor or ()))
