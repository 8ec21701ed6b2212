"""How a batch splits: the discriminator compares images within groups, so a split keeps groups."""

STDDEV_GROUP = 4
"""Images of a group, whose standard deviation the discriminator sees."""


def micro_batches(batch: int, parts: int) -> list[list[int]]:
    """Indices of `parts` equal micro-batches that keep every group whole.

    Groups are strided: image i belongs to group i mod (batch / 4). Within a micro-batch the images
    stand so that the same rule finds the same groups, hence the losses of the micro-batches have
    the mean of the whole batch.

    Args:
        batch: images of the batch, a multiple of 4 times `parts`.
        parts: number of micro-batches.
    """
    groups = batch // STDDEV_GROUP
    size = groups // parts
    return [
        [
            row * groups + part * size + offset
            for row in range(STDDEV_GROUP)
            for offset in range(size)
        ]
        for part in range(parts)
    ]
