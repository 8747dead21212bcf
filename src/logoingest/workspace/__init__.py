"""A dataset's workspace: its folder and files, the manifest of what stages made, the lease of the one who writes, the downloads."""

from logoingest.workspace.folder import Workspace
from logoingest.workspace.manifest import FileRecord, Manifest, StageRecord, hash_file, hash_stream
from logoingest.workspace.pending_file import PendingFile
from logoingest.workspace.shard_names import SHARD_PATTERN, name_begun, shard_name

__all__ = [
    "SHARD_PATTERN",
    "FileRecord",
    "Manifest",
    "PendingFile",
    "StageRecord",
    "Workspace",
    "hash_file",
    "hash_stream",
    "name_begun",
    "shard_name",
]
