"""`training_subfolder`: where the shards of each split are.

`load_dataset("parquet", data_dir=…)` finds the splits by the names of files and folders. It takes the files of a folder
`validation` alone if the other files are in no folder.
"""

#: The splits. Names of shards begin with them; they are also the subfolders, if an output has validation samples.
TRAINING, VALIDATION = "train", "validation"


def training_subfolder(*, has_validation: bool) -> str:
    """Return the subfolder of the shards for training; empty for the output folder itself.

    Args:
        has_validation: Whether there are samples for validation.

    Example:
        >>> training_subfolder(has_validation=True)
        'train'
    """
    return TRAINING if has_validation else ""
