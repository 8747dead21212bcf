"""Every table once: a pydantic row model whose columns carry their Arrow type and one line of meaning.

    reasons     what became of a row, a URL, an answer: closed sets      class_ids  what can name a class
    rows        what a row model is                                      tables     the row models, one a table
    doubts      those of what a person should look at

``Row.arrow_schema()`` is the table's schema; a row that comes from outside is validated by the model itself. Columns keep
this order in every file. What a row that did not make it is called is a ``Reason``, a closed set.
"""

from logoingest.schemas.class_ids import MAX_CLASS_ID_CHARS, is_class_id
from logoingest.schemas.doubts import ConflictRow, ContradictionRow, CrowdWordRow, SuspectRow, TextConflictRow
from logoingest.schemas.reasons import ConflictKind, CopyKind, Decision, Likeness, Origin, Outcome, Reason
from logoingest.schemas.rows import Column, Row, StageResult
from logoingest.schemas.tables import (
    FACT_COLUMNS,
    GOLD,
    GROUND_TRUTH,
    RESERVED_ATTRIBUTES,
    SHARES,
    AgainstRow,
    AgreementRow,
    AnnotationRow,
    CopyRow,
    DownloadRow,
    EmbeddingRow,
    ImageRow,
    LabelledBox,
    LabelRow,
    ListedPlaceholderRow,
    PictureFacts,
    PlaceholderRow,
    PredictionRow,
    RejectedRow,
    SampleRow,
    SplitRow,
    TextRow,
    WorkerRow,
)
from logoingest.schemas.trials import MEASURED_COLUMNS, PictureScoreRow, TrialRow
from logoingest.stage_names import Stage

__all__ = [
    "FACT_COLUMNS",
    "GOLD",
    "GROUND_TRUTH",
    "MAX_CLASS_ID_CHARS",
    "MEASURED_COLUMNS",
    "RESERVED_ATTRIBUTES",
    "SHARES",
    "AgainstRow",
    "AgreementRow",
    "AnnotationRow",
    "Column",
    "ConflictKind",
    "ConflictRow",
    "ContradictionRow",
    "CopyKind",
    "CopyRow",
    "CrowdWordRow",
    "Decision",
    "DownloadRow",
    "EmbeddingRow",
    "ImageRow",
    "LabelRow",
    "LabelledBox",
    "Likeness",
    "ListedPlaceholderRow",
    "Origin",
    "Outcome",
    "PictureFacts",
    "PictureScoreRow",
    "PlaceholderRow",
    "PredictionRow",
    "Reason",
    "RejectedRow",
    "Row",
    "SampleRow",
    "SplitRow",
    "Stage",
    "StageResult",
    "SuspectRow",
    "TextConflictRow",
    "TextRow",
    "TrialRow",
    "WorkerRow",
    "is_class_id",
]
